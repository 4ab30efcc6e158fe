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
from leopardnet.data.scan.header_time import (
    EXIF_BYTES,
    parse_time,
    read_exif_time,
    read_quicktime_time,
    read_riff_time,
)

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


@pytest.mark.parametrize("suffix", ["PNG", "TIFF", "WEBP"])
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
    assert read_quicktime_time(BytesIO(mp4(0)), mp4(0)[:16]) is None
    unix = int((datetime(2021, 12, 30, 12, 34, 56) - datetime(1970, 1, 1)).total_seconds())
    assert read_quicktime_time(BytesIO(mp4(unix)), mp4(unix)[:16]) == datetime(2021, 12, 30, 12, 34, 56)


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
    assert read_quicktime_time(Counting(large), large[:16]) == datetime(2021, 12, 30, 12, 34, 56)
    film = avi(after=chunk(b"JUNK", bytes(3_000_000)) + chunk(b"IDIT", b"2024-03-03 10:22:33"))
    assert read_riff_time(Counting(film), film[:16]) == datetime(2024, 3, 3, 10, 22, 33)
    assert read_exif_time(Counting(b"\xff\xd8\xff\xe0" + bytes(3_000_000)), b"\xff\xd8\xff\xe0") is None
    assert Counting.n_read < EXIF_BYTES + 4096


def test_riff_idit_in_the_header_list(tmp_path):
    path = tmp_path / "a.AVI"
    path.write_bytes(avi(hdrl=chunk(b"IDIT", b"MON MAR 04 10:22:33 2024\n\0")))
    assert read(path) == (datetime(2024, 3, 4, 10, 22, 33), "riff")


def test_riff_icrd_counts_only_with_a_time_of_day_and_after_idit():
    icrd = chunk(b"ICRD", b"2020/05/06 07:08:09")
    both = avi(info=icrd, after=chunk(b"IDIT", b"2019:01:01 00:00:01"))
    assert read_riff_time(BytesIO(avi(info=icrd)), avi(info=icrd)[:16]) == datetime(2020, 5, 6, 7, 8, 9)
    assert read_riff_time(BytesIO(both), both[:16]) == datetime(2019, 1, 1, 0, 0, 1)
    date_only = avi(info=chunk(b"ICRD", b"2020-05-06"))
    assert read_riff_time(BytesIO(date_only), date_only[:16]) is None


def test_riff_odd_chunks_are_padded_and_bytes_within_pictures_are_no_chunks():
    film = avi(info=chunk(b"ISFT", b"odd") + chunk(b"ICRD", b"2020-05-06 07:08:09"))
    assert read_riff_time(BytesIO(film), film[:16]) == datetime(2020, 5, 6, 7, 8, 9)
    none = avi(info=chunk(b"ISFT", b"firmware"))
    assert read_riff_time(BytesIO(none), none[:16]) is None


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
    assert read_time(BytesIO(data), data[:16]) == (parse_time(text) if text else None)
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
    assert read_riff_time(BytesIO(data), data[:16]) == datetime(2024, 3, 4, 10, 22, 33)


def test_riff_sizes_that_lie_end_the_search():
    film = bytearray(avi(hdrl=chunk(b"IDIT", b"2024-03-03 10:22:33")))
    film[16:20] = b"\xff\xff\xff\xff"  # the header list claims four gigabytes
    assert read_riff_time(BytesIO(bytes(film)), bytes(film[:16])) == datetime(2024, 3, 3, 10, 22, 33)


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
        assert reader(BytesIO(data), data[:16]) is None or isinstance(reader(BytesIO(data), data[:16]), datetime)


@settings(deadline=None)
@given(st.datetimes(datetime(1971, 1, 1), datetime(2035, 1, 1)))
def test_any_time_that_is_written_comes_back(time):
    time = time.replace(microsecond=0)
    seconds = int((time - datetime(1904, 1, 1)).total_seconds())
    assert read_quicktime_time(BytesIO(mp4(seconds)), mp4(seconds)[:16]) == time
    assert parse_time(time.strftime("%Y:%m:%d %H:%M:%S")) == time
    assert parse_time(f"{time:%Y-%m-%dT%H:%M:%S}\0") == time
