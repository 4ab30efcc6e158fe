#!/bin/sh
# Looks through a card of a camera trap, offline. Double-click, or:  sh start.sh [FOLDER OF THE CARD]
here="$(cd "$(dirname "$0")" && pwd)"
data="${XDG_DATA_HOME:-$HOME/.local/share}/leopardnet-stick"
program="$data/$(cat "$here/program.id")"
results="${LEOPARDNET_RESULTS:-$HOME/leopardnet}"

case "${LC_ALL:-${LC_MESSAGES:-${LANG:-}}}" in
  ru*) ask="Папка карты памяти:"; unpack="Первый запуск: программа распаковывается, около минуты ..."
       missing="нет такой папки"; full="не удалось распаковать: нужно 1,1 ГБ свободного места в"; done_="Нажмите Enter, чтобы закрыть окно." ;;
  *)   ask="The folder of the card:"; unpack="The first start: the program is being unpacked, about a minute ..."
       missing="there is no such folder"; full="it could not be unpacked: 1.1 GB of free space are needed in"; done_="Press Enter to close this window." ;;
esac

finish() { if [ -t 0 ] && [ -n "${asked:-}" ]; then printf '%s ' "$done_"; read -r _; fi; exit "$1"; }

card="${1:-}"
if [ -z "$card" ]; then
  asked=1
  if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] && command -v zenity >/dev/null; then
    card="$(zenity --file-selection --directory --title="$ask")"
  elif [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] && command -v kdialog >/dev/null; then
    card="$(kdialog --getexistingdirectory / --title "$ask")"
  else
    printf '%s ' "$ask"; read -r card
  fi
fi
[ -d "$card" ] || { echo "error: $card: $missing" >&2; finish 1; }
card="$(cd "$card" && pwd)"

if [ ! -x "$program/python/bin/python" ]; then
  echo "$unpack"
  rm -rf "$program.part"
  mkdir -p "$program.part" && tar -xzf "$here/program.tar.gz" -C "$program.part" && mv "$program.part" "$program" ||
    { rm -rf "$program.part"; echo "error: $full $data" >&2; asked=1; finish 1; }
fi
leopardnet() { "$program/python/bin/python" -m leopardnet "$@"; }

# Many cards have the same name. A folder of results belongs to this card if the card still has every file that it
# had then, of the same size; it may have gained some.
mkdir -p "$results" && cd "$results" || finish 1
list_card() { (cd "$card" && find . -type f -exec stat -c '%s %n' {} + | LC_ALL=C sort); }
list_card >".card-$$" || { rm -f ".card-$$"; finish 1; }
first="$(basename "$(dirname "$card")")-$(basename "$card")-$(date +%Y-%m-%d)"
name="$first"
n=1
while [ -e "$name" ] && { [ ! -f "$name/card.txt" ] || [ -n "$(LC_ALL=C comm -23 "$name/card.txt" ".card-$$")" ]; }; do
  n=$((n + 1))
  name="$first-$n"
done
mkdir -p "$name" && mv ".card-$$" "$name/card.txt" || { rm -f ".card-$$"; finish 1; }

code=0
if [ -d "$here/model" ]; then
  leopardnet predict "$card" --bundle "$here/model" --out "$name" || code=$?
  # 3: some clips could not be read. The others were classified, and the page says which could not.
  [ "$code" -eq 0 ] || [ "$code" -eq 3 ] || finish "$code"
  leopardnet report "$name" --root "$card" --bundle "$here/model" --out "$name/report.html" || finish $?
  [ -n "${LEOPARDNET_NO_PAGE:-}" ] || leopardnet review "$name" --root "$card" || finish $?
else
  leopardnet start "$card" --target leopard --out "$name" ${LEOPARDNET_NO_PAGE:+--no-page} || code=$?
fi
finish "$code"
