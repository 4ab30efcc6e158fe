#!/usr/bin/env bash
# Build the wheel and the sdist, install the wheel into an empty environment without torch, and try it from there.
#     scripts/check_package.sh [FOLDER]      FOLDER keeps the wheel and the sdist; by default nothing stays
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python="${PYTHON:-python3}"

"$python" -m venv "$work/env"
pip=("$work/env/bin/python" -m pip --quiet --disable-pip-version-check)
"${pip[@]}" install -c "$root/constraints.txt" build
"$work/env/bin/python" -m build --outdir "$work/dist" "$root" >"$work/build.log" 2>&1 || { tail -20 "$work/build.log"; exit 1; }
"${pip[@]}" uninstall --yes build pyproject_hooks
"${pip[@]}" install -c "$root/constraints.txt" "$work"/dist/*.whl

cd "$work"   # away from the checkout, whose files must not be needed
"$work/env/bin/leopardnet" --version
"$work/env/bin/leopardnet" demo --short --out short >"$work/demo.log" 2>&1 || { tail -20 "$work/demo.log"; exit 1; }
grep -q "The figures show that the software" "$work/demo.log"
test -s short/report.html -a -s short/bundle/card.md -a -s short/results/predictions.csv
"$work/env/bin/python" - <<'PYTHON'
import importlib.util
import leopardnet as ln

assert importlib.util.find_spec("torch") is None, "the base installation must not need torch"
assert len(ln.Predictions.read("short/results").table) == 24
PYTHON
du -sh "$work/env" | sed 's/\t.*/ installed without torch/'
if [ $# -gt 0 ]; then mkdir -p "$root/$1" && cp "$work"/dist/* "$root/$1/"; fi
