"""A Zeiss CZI written by libCZI: a scene per field, its well in the document as ZEN writes it."""

import struct

from exports.experiment import PIXEL_UM, SIDE_PX
from pylibCZIrw import czi

CHANNEL = "C01"
_HEADER, _SPARE = 32, 248
_DIRECTORY_POSITION, _METADATA_POSITION, _ATTACHMENTS_POSITION = 84, 92, 104
"""Where the header of the file says where its directory, its document and its attachments lie."""


def write(raw, images):
    scenes = ""
    with czi.create_czi(
        str(raw / "plate.czi"), compression_options="zstd1:PreProcess=HiLoByteUnpack"
    ) as file:
        for scene, ((well, field), image) in enumerate(images.items()):
            file.write(image[..., None], location=(2 * SIDE_PX * scene, 0), scene=scene)
            scenes += f'<Scene Index="{scene}" Name="P{field}"><ArrayName>{well}</ArrayName></Scene>'
        file.write_metadata(channel_names={0: CHANNEL}, scale_x=PIXEL_UM * 1e-6, scale_y=PIXEL_UM * 1e-6)
    with_scenes(raw / "plate.czi", scenes)


def with_scenes(path, scenes):
    """Give a file scenes in its document, which libCZI's writer in Python cannot: a new one at its end."""
    content = bytearray(path.read_bytes())
    (position,) = struct.unpack_from("<q", content, _METADATA_POSITION)
    (size,) = struct.unpack_from("<i", content, position + _HEADER)
    start = position + _HEADER + 8 + _SPARE
    document = content[start : start + size].replace(
        b"</Dimensions>", f"<S><Scenes>{scenes}</Scenes></S></Dimensions>".encode()
    )
    struct.pack_into("<q", content, _METADATA_POSITION, len(content))
    content += struct.pack(
        "<16sqq", b"ZISRAWMETADATA", 8 + _SPARE + len(document), 8 + _SPARE + len(document)
    )
    content += struct.pack("<ii", len(document), 0) + bytes(_SPARE) + document
    path.write_bytes(content)


def with_time_stamps(path, seconds):
    """Attach the seconds of each timepoint to a file, laid out as ZEN does after czifile's reader."""
    content = bytearray(path.read_bytes())
    stamps = struct.pack(f"<ii{len(seconds)}d", 8 + 8 * len(seconds), len(seconds), *seconds)
    entry = struct.pack("<2s10xqi16x8s80s", b"A1", len(content), 0, b"CZTIMS", b"TimeStamps")
    length = 256 + len(stamps)
    content += struct.pack("<16sqqi12x", b"ZISRAWATTACH", length, length, len(stamps))
    content += entry + bytes(112) + stamps
    struct.pack_into("<q", content, _ATTACHMENTS_POSITION, len(content))
    content += struct.pack("<16sqqi252x", b"ZISRAWATTDIR", 256 + 128, 256 + 128, 1) + entry
    path.write_bytes(content)


def with_tags(path, tags_of):
    """Give subblocks what a microscope writes with each, by where they start: copies of them at the end."""
    content = bytearray(path.read_bytes())
    (directory,) = struct.unpack_from("<q", content, _DIRECTORY_POSITION)
    entry = directory + _HEADER + 128
    (n_entries,) = struct.unpack_from("<i", content, directory + _HEADER)
    for _ in range(n_entries):
        (n_dimensions,) = struct.unpack_from("<i", content, entry + 28)
        dimensions = [struct.unpack_from("<4si", content, entry + 32 + 20 * k) for k in range(n_dimensions)]
        tags = tags_of({name.rstrip(b"\0").decode(): start for name, start in dimensions})
        if tags:
            (position,) = struct.unpack_from("<q", content, entry + 6)
            old, _, n_bytes = struct.unpack_from("<iiq", content, position + _HEADER)
            start = position + _HEADER + 16 + 240
            pixels = content[start + old : start + old + n_bytes]
            new = f"<METADATA><Tags>{tags}</Tags></METADATA>".encode()
            struct.pack_into("<q", content, entry + 6, len(content))
            length = 256 + len(new) + len(pixels)
            content += struct.pack("<16sqq", b"ZISRAWSUBBLOCK", length, length)
            content += struct.pack("<iiq", len(new), 0, len(pixels)) + content[position + 48 : start]
            content += new + pixels
        entry += 32 + 20 * n_dimensions
    path.write_bytes(content)
