#!/usr/bin/env bash
# Make a folder for a USB stick: everything to classify a card offline on Linux, started by a double click.
#     scripts/make_stick.sh OUT [--bundle DIR]      DIR: a model folder; without one, `leopardnet start` looks for animals
# PYTHON names the interpreter that is copied (python3). It needs a package index once, as `pip` is set up here.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
limit_mb=700
unpacked_limit_mb=1060   # start.sh and the READMEs say 1.1 GB, and Python compiles some 40 MB once it runs

stop() { echo "error: $1" >&2; exit 1; }
[ $# -ge 1 ] || stop "give the folder to make: scripts/make_stick.sh OUT [--bundle DIR]"
out="$1"; shift
bundle=""
while [ $# -gt 0 ]; do
  case "$1" in
    --bundle) [ $# -ge 2 ] || stop "--bundle needs a model folder"; bundle="$2"; shift 2 ;;
    *) stop "unknown option $1; expected --bundle DIR" ;;
  esac
done
[ ! -e "$out" ] || [ -d "$out" -a -z "$(ls -A "$out" 2>/dev/null)" ] || stop "$out is not an empty folder; give a new one"
[ -z "$bundle" ] || [ -f "$bundle/bundle.json" ] || stop "$bundle is not a model folder: it has no bundle.json"

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python="${PYTHON:-python3}"
home="$work/program/python"
version="$("$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')"
base="$("$python" -c 'import sys; print(sys.base_prefix)')"

# The interpreter and its standard library, without what only developers need.
mkdir -p "$home/bin" "$home/lib/$version"
cp -L "$base/bin/$version" "$home/bin/python-real"
(cd "$base/lib/$version" && tar -chf - --exclude=site-packages --exclude=dist-packages --exclude=__pycache__ --exclude=test \
  --exclude=tests --exclude=idlelib --exclude=ensurepip --exclude=tkinter --exclude=lib2to3 --exclude='config-*' \
  --exclude='_tkinter*' --exclude='*.a' .) | tar -xf - -C "$home/lib/$version"

# The shared libraries that they need, but those of the C library, which every Linux has.
{ ldd "$home/bin/python-real"; find "$home/lib/$version/lib-dynload" -name '*.so' -exec ldd {} \; 2>/dev/null; } |
  awk '$3 ~ /^\// {print $3}' | sort -u |
  grep -Ev '/(libc|libm|libdl|libpthread|librt|libutil|libresolv|ld-linux[^/]*)\.so' |
  while read -r library; do cp -L "$library" "$home/lib/"; done

# Processes that leopardnet starts run `bin/python`, too. Programs that it opens, such as the browser, must not see
# these libraries, so the variable is taken away once the interpreter runs.
cat >"$home/bin/python" <<'SH'
#!/bin/sh
here="$(cd "$(dirname "$0")/.." && pwd)"
LEOPARDNET_OLD_PATH="${LD_LIBRARY_PATH-}" LD_LIBRARY_PATH="$here/lib" exec "$here/bin/python-real" "$@"
SH
chmod +x "$home/bin/python"
site="$home/lib/$version/site-packages"
"$python" -m venv "$work/env"
"$work/env/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile -c "$root/constraints.txt" --target "$site" "$root"
cat >"$site/sitecustomize.py" <<'PY'
import os
import sys

old = os.environ.pop("LEOPARDNET_OLD_PATH", "")
os.environ.pop("LD_LIBRARY_PATH", None)
if old:
    os.environ["LD_LIBRARY_PATH"] = old
sys.executable = os.path.join(sys.prefix, "bin", "python")
PY
find "$site" -type d \( -name tests -o -name __pycache__ \) -prune -exec rm -rf {} +
rm -rf "$site/bin" "$site/pyarrow/include" "$site"/openvino/libs/*intel_gpu* "$site"/openvino/libs/*intel_npu* "$site/openvino/libs/cache.json"
(cd "$work" && env -i HOME="$work" PATH=/usr/bin:/bin "$home/bin/python" -m leopardnet --version >"$work/version")

mkdir -p "$out"
cp "$root"/scripts/stick/* "$out/"
cat "$work/version" >"$work/program/VERSION"
tar -czf "$out/program.tar.gz" -C "$work/program" .
sha256sum <"$out/program.tar.gz" | cut -c1-12 >"$out/program.id"
[ -z "$bundle" ] || cp -rL "$bundle" "$out/model"
size_mb="$(du -s --block-size=1MB "$out" | cut -f1)"
unpacked_mb="$(du -s --block-size=1MB "$work/program" | cut -f1)"
echo "written: $out, $size_mb MB; unpacked on the laptop it takes 1.1 GB"
[ "$size_mb" -lt "$limit_mb" ] || stop "$out has $size_mb MB, expected less than $limit_mb MB"
[ "$unpacked_mb" -lt "$unpacked_limit_mb" ] || stop "unpacked it takes $unpacked_mb MB, and 1.1 GB are stated"
