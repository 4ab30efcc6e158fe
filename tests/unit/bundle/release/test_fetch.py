"""A bundle arrives complete and checked, or nothing does."""

import errno
import os
import shutil
import socket
import stat
import zipfile

import pytest

from leopardnet.bundle.bundle import load_bundle
from leopardnet.bundle.release.archive_file import MEMBERS
from leopardnet.bundle.release.fetch import fetch_bundle, find_release
from leopardnet.bundle.release.published import PublishedModel
from leopardnet.core.errors import BackendError, BundleError, ConfigError, LeopardnetError

HASH = "0" * 64


def entry(archive, sha256_of, **changes):
    facts = {
        "name": "tiny", "title": "a test", "url": "https://example.org/tiny.zip", "sha256": sha256_of(archive),
        "n_bytes": archive.stat().st_size, "licence": "none", "labels": ("empty",), "trained_on": "nothing",
    }  # fmt: skip
    return PublishedModel(**(facts | changes))


def refuse(release, out, error, match):
    """Fetching fails with this message, and leaves the folder around `out` as it was."""
    around = out.parent
    before = sorted(around.iterdir()) if around.exists() else []
    with pytest.raises(error, match=match) as caught:
        fetch_bundle(release, out)
    assert sorted(around.iterdir()) == before, "nothing is kept"
    assert str(around) not in str(caught.value)


def test_a_file_becomes_the_same_bundle(archive, sha256_of, tiny_bundle, tmp_path):
    told = []
    release = find_release(str(archive), sha256_of(archive).upper(), {})
    out = tmp_path / "models" / "mine"
    bundle = fetch_bundle(release, out, on_progress=lambda *n: told.append(n))
    assert release.name == "tiny" and bundle.folder == out and bundle.id == tiny_bundle.id == load_bundle(out).id
    assert sorted(p.name for p in out.iterdir()) == sorted(MEMBERS) and list(out.parent.iterdir()) == [out]
    n = archive.stat().st_size
    assert told[-1] == (n, n) and all(done <= total for done, total in told)


def test_a_published_model_comes_from_its_address(archive, sha256_of, tiny_bundle, server, tmp_path):
    server.answers["/a.zip"] = (302, {"Location": "/b.zip"}, b"")
    server.answers["/b.zip"] = (200, {}, archive.read_bytes())
    models = {"tiny": entry(archive, sha256_of, url=f"{server.address}/a.zip")}
    release = find_release("tiny", None, models)
    assert release.model == models["tiny"]
    assert fetch_bundle(release, tmp_path / "b").id == tiny_bundle.id and server.asked == ["/a.zip", "/b.zip"]


def test_a_server_may_state_no_size(archive, sha256_of, tiny_bundle, server, tmp_path):
    server.answers["/a.zip"] = (200, {"Content-Length": None}, archive.read_bytes())
    release = find_release(f"{server.address}/a.zip", sha256_of(archive), {})
    assert release.name == "a" and fetch_bundle(release, tmp_path / "b").id == tiny_bundle.id


def test_an_unknown_name_is_answered_with_the_known_ones(archive, sha256_of):
    model = entry(archive, sha256_of)
    with pytest.raises(ConfigError, match=r"no published model has this name(.|\n)*expected: tiny, other"):
        find_release("tinny", None, {"tiny": model, "other": model})
    with pytest.raises(ConfigError, match=r"no model is published yet(.|\n)*train one on labels of your own"):
        find_release("tiny", None, {})


@pytest.mark.parametrize("source", ["https://example.org/a.zip", "{archive}"])
def test_an_address_or_a_file_needs_a_hash(archive, source):
    with pytest.raises(ConfigError, match=r"needs its hash(.|\n)*--sha256"):
        find_release(source.format(archive=archive), None, {})


@pytest.mark.parametrize("sha256", ["", "abc", "g" * 64, HASH + "0"])
def test_what_is_no_hash_is_refused(sha256):
    with pytest.raises(ConfigError, match="not a SHA-256"):
        find_release("https://example.org/a.zip", sha256, {})


@pytest.mark.parametrize(
    "url", ["http://example.org/a.zip", "ftp://example.org/a", "file:///etc/passwd", "https://", "x://["]
)
def test_only_https_leaves_the_machine(url):
    with pytest.raises(ConfigError, match=r"address cannot be used(.|\n)*https://"):
        find_release(url, HASH, {})


def test_a_redirect_to_plain_http_is_not_followed(server, tmp_path):
    server.answers["/a.zip"] = (302, {"Location": "http://example.org/a.zip"}, b"")
    release = find_release(f"{server.address}/a.zip", HASH, {})
    refuse(release, tmp_path / "b", ConfigError, "https://")


def test_without_a_network_the_message_says_what_to_do(monkeypatch, tmp_path):
    def offline(*arguments, **options):
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", offline)
    monkeypatch.setenv("no_proxy", "*")
    release = find_release("https://example.org/a.zip", HASH, {})
    refuse(release, tmp_path / "b", BackendError, r"cannot be downloaded(.|\n)*name resolution(.|\n)*FILE\.zip")


def test_a_missing_page_and_a_missing_file(server, tmp_path):
    refuse(find_release(f"{server.address}/gone", HASH, {}), tmp_path / "b", BackendError, "404")
    refuse(find_release("gone.zip", HASH, {}), tmp_path / "b", BundleError, "no such file")


def test_another_file_than_the_stated_one_is_not_kept(archive, sha256_of, server, tmp_path):
    server.answers["/a.zip"] = (200, {}, archive.read_bytes() + b"!")
    release = find_release(f"{server.address}/a.zip", sha256_of(archive), {})
    refuse(release, tmp_path / "b", BundleError, rf"not the archive(.|\n)*{sha256_of(archive)}")


def test_a_download_that_breaks_off(archive, sha256_of, server, tmp_path):
    body = archive.read_bytes()
    server.answers["/a.zip"] = (200, {"Content-Length": len(body)}, body[:1000])
    release = find_release(f"{server.address}/a.zip", sha256_of(archive), {})
    refuse(release, tmp_path / "b", BackendError, "broke off")


@pytest.mark.parametrize("n_stated", ["stated", None])
def test_more_bytes_than_published_are_not_taken(archive, sha256_of, server, tmp_path, n_stated):
    body = archive.read_bytes()
    headers = {} if n_stated else {"Content-Length": None}
    server.answers["/a.zip"] = (200, headers, body + b"!")
    model = entry(archive, sha256_of, url=f"{server.address}/a.zip")
    release = find_release("tiny", None, {"tiny": model})
    refuse(release, tmp_path / "b", BundleError, rf"too large(.|\n)*at most {len(body)}")


def test_a_full_disk(archive, sha256_of, tmp_path, monkeypatch):
    release = find_release(str(archive), sha256_of(archive), {})
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10**9, 10**9, 100))
        refuse(release, tmp_path / "b", BackendError, "not enough room on the disk")

    def refuse_bytes(*arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(shutil, "copyfileobj", refuse_bytes)
    refuse(release, tmp_path / "b", BackendError, "disk is full")


def test_what_is_there_already_stays(archive, sha256_of, tmp_path):
    release = find_release(str(archive), sha256_of(archive), {})
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    for name in ("folder", "file", "link"):
        refuse(release, tmp_path / name, BundleError, rf"already something(.|\n)*{name}")
    assert (tmp_path / "file").read_text() == "mine"


# --- archives that somebody made by hand ---


def zip_of(path, files, *, mode=0o644):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in files.items():
            member = zipfile.ZipInfo(name)
            member.external_attr, member.compress_type = mode << 16, zipfile.ZIP_DEFLATED
            out.writestr(member, content)
    return path


@pytest.fixture
def files(archive):
    with zipfile.ZipFile(archive) as opened:
        return {name.removeprefix("bundle/"): opened.read(name) for name in opened.namelist()}


def test_files_at_the_top_and_a_folder_entry_are_fine(files, sha256_of, tiny_bundle, tmp_path):
    flat = zip_of(tmp_path / "flat.zip", files)
    deep = zip_of(tmp_path / "deep.zip", {"x/": b"", **{f"x/{n}": c for n, c in files.items()}})
    for path in (flat, deep):
        release = find_release(str(path), sha256_of(path), {})
        assert fetch_bundle(release, tmp_path / path.stem).id == tiny_bundle.id


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ({"../evil.txt": b"x"}, "leads out"),
        ({"/evil.txt": b"x"}, "leads out"),
        ({"C:\\evil.txt": b"x"}, "leads out"),
        ({"a\\..\\..\\evil.txt": b"x"}, "leads out"),
        ({"evil.txt": b"x"}, "holds no bundle"),
        ({"x/evil.txt": b"x"}, "holds no bundle"),
        ({"bomb": bytes(300_000_000)}, "300000000 bytes packed"),
    ],
)
def test_an_archive_with_anything_else_in_it_is_refused(files, sha256_of, tmp_path, extra, said):
    path = zip_of(tmp_path / "a.zip", files | extra)
    room = tmp_path / "room" / "deep"
    room.mkdir(parents=True)
    refuse(find_release(str(path), sha256_of(path), {}), room / "b", LeopardnetError, said)
    assert not list(tmp_path.rglob("*evil*"))


def test_a_bundle_file_of_too_many_bytes_is_not_unpacked(files, sha256_of, tmp_path):
    path = zip_of(tmp_path / "a.zip", files | {"card.md": os.urandom(200_000) * 100})
    refuse(
        find_release(str(path), sha256_of(path), {}), tmp_path / "b", BundleError, r"card\.md(.|\n)*20000000 bytes"
    )


def test_a_link_in_the_archive_is_refused(files, sha256_of, tmp_path):
    path = zip_of(tmp_path / "a.zip", files | {"card.md": b"/etc/passwd"}, mode=stat.S_IFLNK | 0o777)
    refuse(find_release(str(path), sha256_of(path), {}), tmp_path / "b", LeopardnetError, "a link")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: b"PK", "cannot be unpacked"),
        (lambda data: data[: len(data) // 2], "cannot be unpacked"),
        (lambda data: data[:2000] + bytes(50) + data[2050:], "Bad CRC-32"),
    ],
)
def test_a_damaged_zip_with_a_fitting_hash_is_refused(archive, sha256_of, tmp_path, change, said):
    path = tmp_path / "a.zip"
    path.write_bytes(change(archive.read_bytes()))
    refuse(find_release(str(path), sha256_of(path), {}), tmp_path / "b", BundleError, said)


def test_a_sound_zip_with_an_unsound_bundle_is_refused(files, sha256_of, tmp_path):
    for name, content in {"card.md": b"better than it is", "SHA256SUMS": b"", "bundle.json": b"{}"}.items():
        path = zip_of(tmp_path / f"{name}.zip", files | {name: content})
        release = find_release(str(path), sha256_of(path), {})
        refuse(release, tmp_path / "b", BundleError, r"was changed|damaged")
    path = zip_of(tmp_path / "less.zip", {n: c for n, c in files.items() if n != "model.onnx"})
    refuse(find_release(str(path), sha256_of(path), {}), tmp_path / "b", BundleError, "holds no bundle")
