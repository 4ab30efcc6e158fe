"""The archive of a bundle: a zip with its six files in one folder, the same bytes on every machine."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
import zlib
from pathlib import Path

from leopardnet.bundle.bundle import FILES, MAX_JSON_BYTES, MAX_WEIGHTS_BYTES, Bundle
from leopardnet.bundle.release.download import refuse_full_disk
from leopardnet.core.errors import BundleError
from leopardnet.core.tables import atomic_path
from leopardnet.data.reading.safe_files import refuse_unsafe_members

MEMBERS = (*FILES, "SHA256SUMS")
NO_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can state


def write_archive(bundle: Bundle, path: Path) -> tuple[str, int]:
    """Write the archive of a bundle; return its SHA-256 and its number of bytes.

    Its files lie in a folder `bundle`, so that it may also be unpacked by hand. Nothing is
    compressed (weights hardly can be), and no times are kept: the same bundle gives the same hash everywhere.
    Raises BundleError for a path that is taken or does not end in .zip.
    """
    path = Path(path)
    if path.suffix.lower() != ".zip" or path.exists():
        raise BundleError(
            "the archive cannot be written there",
            where=path.name,
            found="a file or folder of that name" if path.exists() else "another suffix",
            expected="a new file with the suffix .zip",
        )
    with atomic_path(path) as part:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
            for name in MEMBERS:
                member = zipfile.ZipInfo(f"bundle/{name}", NO_DATE)
                member.external_attr = 0o644 << 16
                member.create_system = 3
                member.file_size = (bundle.folder / name).stat().st_size
                with (bundle.folder / name).open("rb") as source, archive.open(member, "w") as target:
                    shutil.copyfileobj(source, target)
        with part.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        n_bytes = part.stat().st_size
    return digest, n_bytes


def unpack_archive(archive: Path, folder: Path, *, where: str) -> None:
    """Unpack the files of a bundle into the new folder `folder`. `where` names the archive in messages.

    Nothing else is ever written: an archive with other files is refused, as are links, paths that lead out of it,
    and files that are larger than a bundle's may be. Raises BundleError, or ManifestError for an unsafe zip.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            refuse_unsafe_members(opened, where=where)
            members = _find_members(opened, where)
            refuse_full_disk(archive.parent, sum(m.file_size for m in members.values()))
            folder.mkdir()
            for name, member in members.items():
                with opened.open(member) as source, (folder / name).open("xb") as target:
                    shutil.copyfileobj(source, target)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise BundleError(
            "the archive cannot be unpacked",
            where=where,
            found=str(error)[:120],
            expected="a zip that `leopardnet bundle archive` wrote",
        ) from None


def _find_members(archive: zipfile.ZipFile, where: str) -> dict[str, zipfile.ZipInfo]:
    """Return the members with the files of a bundle by name: at the top, or in one folder."""
    files = {m.filename: m for m in archive.infolist() if not m.is_dir()}
    folder = next(iter(files), "").rpartition("/")[0]
    prefix = f"{folder}/" if folder else ""
    if "/" in folder or files.keys() != {prefix + name for name in MEMBERS}:
        raise BundleError(
            "the archive holds no bundle",
            where=where,
            found=", ".join(ascii(name)[1:-1] for name in list(files)[:8])[:300] or "no files",
            expected=", ".join(MEMBERS) + ", and nothing else",
        )
    for name in MEMBERS:
        member = files[prefix + name]
        limit = MAX_JSON_BYTES if name.endswith((".json", ".md", "SUMS")) else MAX_WEIGHTS_BYTES
        if member.file_size > limit or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise BundleError(
                "a file in the archive cannot be unpacked",
                where=f"{where}, {name}",
                found=f"{member.file_size} bytes, method {member.compress_type}",
                expected=f"at most {limit} bytes, stored or deflated",
            )
    return {name: files[prefix + name] for name in MEMBERS}
