import pytest


@pytest.fixture
def write(tmp_path):
    """Writes a text into a new folder, byte for byte, and gives its path."""

    def to_file(name, text, encoding="utf-8"):
        (tmp_path / name).write_bytes(text.encode(encoding))
        return tmp_path / name

    return to_file
