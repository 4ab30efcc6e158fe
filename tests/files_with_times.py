"""Pictures with a recording time in their header, for the tests of data/scan."""

from PIL import Image

from leopardnet.data.scan.capture_time import CaptureTimeReader


def jpeg(path, *, original=None, digitized=None, fraction=None, suffix="JPEG"):
    exif = Image.Exif()
    exif[0x0110] = "a camera"
    values = {0x9003: original, 0x9004: digitized, 0x9291: fraction}
    exif.get_ifd(0x8769).update({tag: value for tag, value in values.items() if value is not None})
    exif[0x8769] = 0  # TIFF writes only the blocks that it finds among the tags
    Image.new("RGB", (16, 12), (90, 120, 60)).save(path, suffix, exif=exif)
    return path


def read(path, **options):
    found = CaptureTimeReader(**options).read(str(path))
    return found.time, found.source
