import pytest

from livedead.errors import ExportError
from livedead.images.metadata import attributes, child_lengths_um, child_texts, elements, parse_xml

IMAGE = """<?xml version="1.0"?>
<Images xmlns="http://example.org/v5" xmlns:x="http://example.org/x"><Image x:Row="2" Col="3">
<URL>1.tiff</URL><State> Ok </State><PositionX Unit="m">-1.5E-06</PositionX><Height Unit="nm">250</Height>
<Angle Unit="rad">1</Angle><Depth Unit="mm">deep</Depth></Image></Images>"""


def test_names_are_read_without_their_namespaces():
    (image,) = elements(parse_xml(IMAGE, "Index.xml"), "Image")
    assert attributes(image) == {"Row": "2", "Col": "3"}
    texts = child_texts(image)
    assert (texts["URL"], texts["State"]) == ("1.tiff", "Ok")


def test_lengths_are_micrometres_and_what_is_no_length_is_left_out():
    (image,) = elements(parse_xml(IMAGE, "Index.xml"), "Image")
    assert child_lengths_um(image) == pytest.approx({"PositionX": -1.5, "Height": 0.25})


def test_equal_names_must_say_the_same():
    root = parse_xml("<Image><Row>1</Row><Row>1</Row></Image>", "Index.xml")
    assert child_texts(root) == {"Row": "1"}
    with pytest.raises(ValueError, match="Row is there twice, '1' and '7'"):
        child_texts(parse_xml("<Image><Row>1</Row><Row>7</Row></Image>", "Index.xml"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<Images><Image></Images>", "not readable XML"),
        ("", "not readable XML"),
        (b"<?xml version='1.0' encoding='klingon'?><a/>", "not readable XML"),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "DOCTYPE"),
    ],
)
def test_broken_documents_and_entities_are_refused(text, message):
    with pytest.raises(ExportError, match=f"Index.xml: .*{message}"):
        parse_xml(text, "Index.xml")
