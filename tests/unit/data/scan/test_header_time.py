"""Capture time from the headers of pictures and videos."""

import struct
from datetime import datetime
from io import BytesIO

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from files_with_times import jpeg, read
from leopardnet.data.reading.tables.clock_time import parse_clock
from leopardnet.data.scan.capture_time import CaptureTimeReader
from leopardnet.data.scan.exif_time import EXIF_BYTES, parse_reconyx_note, read_exif_time
from leopardnet.data.scan.header_time import HeaderTime, read_quicktime_time, read_riff_time

MAC_2021 = 3_723_712_496  # 2021-12-30 12:34:56 in seconds since 1904


def box(kind, body, *, wide=False):
    if wide:
        return struct.pack(">I4sQ", 1, kind, 16 + len(body)) + body
    return struct.pack(">I4s", 8 + len(body), kind) + body


def mvhd(seconds, version=0):
    times = struct.pack(">II", seconds, seconds) if version == 0 else struct.pack(">QQ", seconds, seconds)
    return box(b"mvhd", bytes([version, 0, 0, 0]) + times + bytes(80))


def mp4(seconds, *, version=0, moov_last=True, wide=False):
    moov = box(b"moov", box(b"udta", b"x" * 5) + mvhd(seconds, version))
    media = box(b"mdat", b"\xaa" * 5000, wide=wide)
    return box(b"ftyp", b"isom" + bytes(4)) + (media + moov if moov_last else moov + media)


def chunk(kind, body):
    return struct.pack("<4sI", kind, len(body)) + body + b"\0" * (len(body) % 2)


def avi(*, hdrl=b"", info=b"", after=b""):
    body = b"AVI " + chunk(b"LIST", b"hdrl" + chunk(b"avih", bytes(56)) + hdrl)
    body += chunk(b"LIST", b"INFO" + info) + chunk(b"LIST", b"movi" + chunk(b"00dc", b"IDIT" * 200)) + after
    return chunk(b"RIFF", body)


def test_exif_original_with_fraction(tmp_path):
    path = jpeg(tmp_path / "a.jpg", original="2021:03:14 22:15:30", digitized="2022:01:01 00:00:00", fraction="25")
    assert read(path) == (datetime(2021, 3, 14, 22, 15, 30, 250_000), "exif")


def test_exif_digitized_stands_in_for_an_absent_original(tmp_path):
    path = jpeg(tmp_path / "a.jpg", original="0000:00:00 00:00:00", digitized="2022:01:02 03:04:05")
    assert read(path) == (datetime(2022, 1, 2, 3, 4, 5), "exif")


@pytest.mark.parametrize(
    "text", ["0000:00:00 00:00:00", "    :  :     :  :  ", "2021:13:01 10:00:00", "", "2021:02:30 10:00:00"]
)
def test_zero_blank_and_impossible_exif_dates_are_absent(tmp_path, text):
    assert read(jpeg(tmp_path / "a.jpg", original=text)) == (None, None)


def with_exif(path, tags, block=()):
    exif = Image.Exif()
    exif.update({0x0110: "a camera", **tags})
    exif.get_ifd(0x8769).update(block)
    Image.new("RGB", (8, 8)).save(path, "JPEG", exif=exif)
    return path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2023:08:22 09:06:26 PM", datetime(2023, 8, 22, 21, 6, 26)),
        ("2023:08:22 12:06:26 AM", datetime(2023, 8, 22, 0, 6, 26)),
        ("2023-08-22 21:06:26", datetime(2023, 8, 22, 21, 6, 26)),
        ("2023:08:22 24:08:19", None),
        ("2023:08:22 21:06:26 and more", None),
    ],
)
def test_a_text_in_exif_is_understood_whole_or_told(tmp_path, text, expected):
    path = jpeg(tmp_path / "a.jpg", original=text)
    assert read(path) == (expected, "exif" if expected else None)
    assert CaptureTimeReader().read(str(path)).unread == ("" if expected else text)


def test_the_offset_in_exif_becomes_the_time_zone(tmp_path):
    time = "2023:08:22 21:06:26"
    one = with_exif(tmp_path / "1.jpg", {}, {0x9003: time, 0x9011: "+10:00", 0x9291: "5"})
    blank = with_exif(tmp_path / "2.jpg", {}, {0x9003: time, 0x9011: "   :  "})
    read_one = CaptureTimeReader().read
    assert read_one(str(one))[:3] == (datetime(2023, 8, 22, 21, 6, 26, 500_000), "exif", "+10:00")
    assert read_one(str(blank))[:3] == (datetime(2023, 8, 22, 21, 6, 26), "exif", None)


def test_the_tag_datetime_stands_in_and_a_name_is_better(tmp_path):
    tags = {0x0132: "2023:08:22 21:06:26"}
    path = with_exif(tmp_path / "20230821_101112.jpg", tags, {0x9003: "0000:00:00 00:00:00"})
    assert read(path) == (datetime(2023, 8, 22, 21, 6, 26), "exif_changed")
    assert read(path, time_from=("exif", "mtime"))[1] == "exif_changed"
    assert read(path, filename_time="ymdhms") == (datetime(2023, 8, 21, 10, 11, 12), "filename")


HYPERFIRE = struct.pack("<11H6H20x", 0xF101, *[0] * 10, 27, 53, 17, 1, 13, 2023)
SWAPPED = HYPERFIRE[:22] + struct.pack(">6H20x", 27, 53, 17, 1, 13, 2023)
ULTRAFIRE = b"RECONYXUF\0".ljust(0x3B, b"\0") + struct.pack("<5BH", 27, 53, 17, 13, 1, 2023)
HYPERFIRE_2 = b"RECONYXH2\0".ljust(0x3E, b"\0") + struct.pack("<6H", 27, 53, 17, 13, 1, 2023)


@pytest.mark.parametrize("note", [HYPERFIRE, SWAPPED, ULTRAFIRE, HYPERFIRE_2])
def test_the_time_in_a_maker_note_of_reconyx(tmp_path, note):
    path = with_exif(tmp_path / "a.jpg", {0x0132: "2024:01:01 00:00:00"}, {0x927C: note})
    assert read(path) == (datetime(2023, 1, 13, 17, 53, 27), "maker_note")


@pytest.mark.parametrize("note", [b"", b"\x01\xf1", b"RECONYXUF\0", HYPERFIRE[:22] + bytes(30), b"Nikon\0" * 9])
def test_other_and_cut_maker_notes_have_no_time(note):
    assert parse_reconyx_note(note) is None


@pytest.mark.parametrize("suffix", ["PNG", "TIFF", "WEBP", "AVIF"])
def test_exif_of_other_still_formats(tmp_path, suffix):
    path = jpeg(tmp_path / "a.bin", original="2020:02:29 01:02:03", suffix=suffix)
    assert read(path) == (datetime(2020, 2, 29, 1, 2, 3), "exif")


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_a_jpeg_without_exif_and_one_cut_in_its_exif_have_no_time(tmp_path):
    plain = tmp_path / "plain.jpg"
    Image.new("RGB", (8, 8)).save(plain)
    cut = tmp_path / "cut.jpg"
    whole = jpeg(tmp_path / "whole.jpg", original="2021:03:14 22:15:30").read_bytes()
    cut.write_bytes(whole[:40])
    assert read(plain) == (None, None)
    assert read(cut) == (None, None)


@pytest.mark.parametrize(
    "options", [{}, {"moov_last": False}, {"version": 1}, {"wide": True}, {"wide": True, "version": 1}]
)
def test_quicktime_time_wherever_moov_stands(tmp_path, options):
    path = tmp_path / "a.mp4"
    path.write_bytes(mp4(MAC_2021, **options))
    assert read(path) == (datetime(2021, 12, 30, 12, 34, 56), "quicktime")


def test_quicktime_zero_is_absent_and_1970_seconds_are_understood(tmp_path):
    assert read_quicktime_time(BytesIO(mp4(0)), mp4(0)[:16]).time is None
    unix = int((datetime(2021, 12, 30, 12, 34, 56) - datetime(1970, 1, 1)).total_seconds())
    assert read_quicktime_time(BytesIO(mp4(unix)), mp4(unix)[:16]).time == datetime(2021, 12, 30, 12, 34, 56)


def meta(text, *, version=b"", name=b"com.apple.quicktime.creationdate"):
    names = b"".join(struct.pack(">I4s", 8 + len(n), b"mdta") + n for n in (b"com.apple.quicktime.make", name))
    keys = box(b"keys", struct.pack(">II", 0, 2) + names)
    value = box(b"data", struct.pack(">II", 1, 0) + text)
    values = box(
        b"ilst", box(struct.pack(">I", 1), box(b"data", bytes(8) + b"x")) + box(struct.pack(">I", 2), value)
    )
    return box(b"meta", version + box(b"hdlr", bytes(24)) + keys + values)


@pytest.mark.parametrize("version", [b"", bytes(4)])
def test_the_local_creation_date_of_quicktime_comes_before_the_clock_in_utc(tmp_path, version):
    moov = box(
        b"moov", mvhd(MAC_2021) + box(b"trak", bytes(50)) + meta(b"2021-12-30T22:34:56+1000", version=version)
    )
    path = tmp_path / "a.mov"
    path.write_bytes(box(b"ftyp", b"qt  " + bytes(4)) + moov)
    expected = (datetime(2021, 12, 30, 22, 34, 56), "quicktime", "+10:00")
    assert CaptureTimeReader().read(str(path))[:3] == expected


@pytest.mark.parametrize(
    "value", [meta(b"yesterday"), meta(b"2021", name=b"com.apple.other"), box(b"meta", b"hdlr")]
)
def test_other_metadata_of_quicktime_leave_the_clock(value):
    film = box(b"ftyp", b"qt  " + bytes(4)) + box(b"moov", value + mvhd(MAC_2021))
    assert read_quicktime_time(BytesIO(film), film[:16]).time == datetime(2021, 12, 30, 12, 34, 56)


def test_an_mp4_that_is_named_avi_is_read_by_its_content(tmp_path):
    path = tmp_path / "renamed.avi"
    path.write_bytes(mp4(MAC_2021))
    assert read(path)[1] == "quicktime"


def test_a_cut_mp4_has_no_time(tmp_path):
    path = tmp_path / "cut.mp4"
    path.write_bytes(mp4(MAC_2021)[:3000])
    assert read(path) == (None, None)


def test_a_large_video_is_not_read_whole():
    class Counting(BytesIO):
        n_read = 0

        def read(self, n=-1):
            data = super().read(n)
            Counting.n_read += len(data)
            return data

    large = box(b"ftyp", b"isom" + bytes(4)) + box(b"mdat", bytes(3_000_000)) + box(b"moov", mvhd(MAC_2021))
    assert read_quicktime_time(Counting(large), large[:16]).time == datetime(2021, 12, 30, 12, 34, 56)
    film = avi(after=chunk(b"JUNK", bytes(3_000_000)) + chunk(b"IDIT", b"2024-03-03 10:22:33"))
    assert read_riff_time(Counting(film), film[:16]).time == datetime(2024, 3, 3, 10, 22, 33)
    assert read_exif_time(Counting(b"\xff\xd8\xff\xe0" + bytes(3_000_000)), b"\xff\xd8\xff\xe0").time is None
    assert Counting.n_read < EXIF_BYTES + 4096


def test_riff_idit_in_the_header_list(tmp_path):
    path = tmp_path / "a.AVI"
    path.write_bytes(avi(hdrl=chunk(b"IDIT", b"MON MAR 04 10:22:33 2024\n\0")))
    assert read(path) == (datetime(2024, 3, 4, 10, 22, 33), "riff")


def test_riff_icrd_counts_only_with_a_time_of_day_and_after_idit():
    icrd = chunk(b"ICRD", b"2020/05/06 07:08:09")
    both = avi(info=icrd, after=chunk(b"IDIT", b"2019:01:01 00:00:01"))
    assert read_riff_time(BytesIO(avi(info=icrd)), avi(info=icrd)[:16]).time == datetime(2020, 5, 6, 7, 8, 9)
    assert read_riff_time(BytesIO(both), both[:16]).time == datetime(2019, 1, 1, 0, 0, 1)
    date_only = avi(info=chunk(b"ICRD", b"2020-05-06"))
    assert read_riff_time(BytesIO(date_only), date_only[:16]).time is None


def test_a_riff_time_is_understood_whole_or_told():
    evening = avi(hdrl=chunk(b"IDIT", b"2024/03/04 10:22:33 PM\0"))
    assert read_riff_time(BytesIO(evening), evening[:16]).time == datetime(2024, 3, 4, 22, 22, 33)
    never = avi(hdrl=chunk(b"IDIT", b"2024/03/04 25:22:33\0"))
    assert read_riff_time(BytesIO(never), never[:16])[:3] == (None, "2024/03/04 25:22:33", "")


def test_riff_odd_chunks_are_padded_and_bytes_within_pictures_are_no_chunks():
    film = avi(info=chunk(b"ISFT", b"odd") + chunk(b"ICRD", b"2020-05-06 07:08:09"))
    assert read_riff_time(BytesIO(film), film[:16]).time == datetime(2020, 5, 6, 7, 8, 9)
    none = avi(info=chunk(b"ISFT", b"firmware"))
    assert read_riff_time(BytesIO(none), none[:16]).time is None


VERBAL_IDIT = chunk(b"IDIT", b"MON MAR 04 10:22:33 2024\n\0")


@pytest.mark.parametrize(
    ("data", "has_time"),
    [
        *(
            (mp4(MAC_2021, **options), True)
            for options in ({}, {"moov_last": False}, {"version": 1}, {"wide": True})
        ),
        (mp4(1_640_867_696), True),  # counts from 1970
        (mp4(0), False),
        (avi(hdrl=VERBAL_IDIT), True),
        (avi(info=chunk(b"ICRD", b"2020/05/06 07:08:09")), True),
        (avi(info=chunk(b"ISFT", b"firmware")), False),
    ],
)
def test_a_time_that_ffmpeg_reads_is_read_alike(data, has_time):
    name = "mov" if data[4:8] == b"ftyp" else "avi"
    with av.open(BytesIO(data), format=name) as container:
        text = container.metadata.get("creation_time") or container.metadata.get("date")
    read_time = read_quicktime_time if name == "mov" else read_riff_time
    assert read_time(BytesIO(data), data[:16]).time == (parse_clock(text.removesuffix("Z")) if text else None)
    assert (text is not None) == has_time


@pytest.mark.parametrize(
    "data",
    [
        avi(hdrl=chunk(b"IDIT", b"2024-03-04 10:22:33")),
        avi(hdrl=chunk(b"IDIT", b"2024:03:04 10:22:33")),
        avi(hdrl=chunk(b"IDIT", b"Mar 04 10:22:33 2024")),
        avi(after=VERBAL_IDIT),
    ],
)
def test_times_that_ffmpeg_loses_are_read(data):
    """The reason for a parser of our own; once FFmpeg reads all of these, it may go."""
    with av.open(BytesIO(data), format="avi") as container:
        assert "creation_time" not in container.metadata
    assert read_riff_time(BytesIO(data), data[:16]).time == datetime(2024, 3, 4, 10, 22, 33)


def test_riff_sizes_that_lie_end_the_search():
    film = bytearray(avi(hdrl=chunk(b"IDIT", b"2024-03-03 10:22:33")))
    film[16:20] = b"\xff\xff\xff\xff"  # the header list claims four gigabytes
    assert read_riff_time(BytesIO(bytes(film)), bytes(film[:16])).time == datetime(2024, 3, 3, 10, 22, 33)


@given(
    st.binary(max_size=400),
    st.sampled_from(
        [
            b"RIFF\0\0\0\0AVI ",
            b"\0\0\0\x14ftypisom",
            b"\xff\xd8\xff\xe1\0\x40Exif\0\0",
            b"II*\0",
            b"\x89PNG\r\n\x1a\n",
        ]
    ),
)
@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_no_bytes_make_a_reader_raise(noise, start):
    data = start + noise
    for reader in (read_exif_time, read_quicktime_time, read_riff_time):
        assert isinstance(reader(BytesIO(data), data[:16]), HeaderTime)


@settings(deadline=None)
@given(st.datetimes(datetime(1971, 1, 1), datetime(2035, 1, 1)))
def test_any_time_that_is_written_comes_back(time):
    time = time.replace(microsecond=0)
    seconds = int((time - datetime(1904, 1, 1)).total_seconds())
    assert read_quicktime_time(BytesIO(mp4(seconds)), mp4(seconds)[:16]).time == time
    assert parse_clock(time.strftime("%Y:%m:%d %H:%M:%S")) == time
    assert parse_clock(f"{time:%Y-%m-%dT%H:%M:%S}\0") == time


def test_an_avif_without_its_main_picture_has_no_time(tmp_path):
    """Its decoder raises errors of a kind of its own."""
    data = jpeg(tmp_path / "a.avif", original="2021:03:14 22:15:30", suffix="AVIF").read_bytes()
    (tmp_path / "a.avif").write_bytes(data.replace(b"pitm", b"free", 1))
    with pytest.raises(RuntimeError), Image.open(tmp_path / "a.avif"):
        pass
    assert read(tmp_path / "a.avif") == (None, None)
