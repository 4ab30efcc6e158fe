"""Folders of small files that look like footage, for the tests of data/scan."""

from leopardnet.data.scan.scan import scan


def put(root, *paths, content=b"footage"):
    for path in paths:
        full = root / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_bytes(content)
    return root


def paths_of(root, **options):
    return scan(root, **options).table["path"].tolist()
