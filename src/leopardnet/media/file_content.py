"""What a file is by its first bytes, for messages about files that are not what their suffix says."""

from __future__ import annotations

from pathlib import Path

HEAD_BYTES = 16
HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
CONTENTS: tuple[tuple[int, bytes, str], ...] = (
    *((4, b"ftyp" + brand, "a HEIC picture") for brand in HEIF_BRANDS),
    (4, b"ftypavi", "an AVIF picture"),
    (4, b"ftypcrx", "a raw picture"),
    (0, b"FUJIFILMCCD-RAW", "a raw picture"),
    (4, b"ftyp", "a video (MP4 or MOV)"),
    (4, b"moov", "a video (MP4 or MOV)"),
    (8, b"AVI ", "a video (AVI)"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a video (ASF or WMV)"),
    (0, b"\x1a\x45\xdf\xa3", "a video (MKV or WebM)"),
    (0, b"\x00\x00\x01\xba", "a video (MPEG)"),
    (0, b"\x00\x00\x00\x01", "a video stream without a container"),
    (0, b"\xff\xd8\xff", "a JPEG picture"),
    (0, b"\x89PNG", "a PNG picture"),
    (0, b"GIF8", "a GIF picture"),
    (0, b"II*\0", "a TIFF or raw picture"),
    (0, b"MM\0*", "a TIFF or raw picture"),
    (8, b"WEBP", "a WebP picture"),
    (0, b"PK\x03\x04", "a zip archive"),
    (0, b"Rar!", "a RAR archive"),
    (0, b"7z\xbc\xaf", "a 7z archive"),
    (0, bytes(HEAD_BYTES), "zeros"),
)
ADVICE = {
    "a HEIC picture": "convert it to JPEG; an iPhone writes JPEG with Camera > Formats > Most Compatible",
    "a raw picture": "export it as JPEG, or use the JPEG that the camera kept beside it",
    "a video stream without a container": "put it into an MP4, as with `ffmpeg -i FILE -c copy x.mp4`",
    "zeros": "copy it from the card again",
}


def describe_content(path: Path) -> str:
    """Return what a file is, such as 'a JPEG picture'; 'first bytes 00 01 …' for what is not known."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        return f"nothing that can be read: {error.strerror}"
    known = (text for at, magic, text in CONTENTS if head[at : at + len(magic)] == magic)
    return next(known, f"first bytes {head[:8].hex(' ')}")


def advise(content: str, *, wanted: str) -> str:
    """Return what to do with a file of this content that does not hold what is wanted, 'picture' or 'video'.

    >>> advise("a JPEG picture", wanted="video")
    'give it the suffix of a picture and scan again'
    >>> advise("a zip archive", wanted="video")
    'unpack it and scan again'
    """
    if content in ADVICE:
        return ADVICE[content]
    if "archive" in content:
        return "unpack it and scan again"
    other = "picture" if wanted == "video" else "video"
    if other in content:
        return (
            "give it the suffix of a picture and scan again"
            if other == "picture"
            else "give it the suffix of a video and scan again"
        )
    return "open it in another program; if it shows a picture there, please report the camera model"
