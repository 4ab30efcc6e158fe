#!/bin/sh
# Looks through a card of a camera trap, offline. Double-click, or:  sh start.sh [FOLDER OF THE CARD]
here="$(cd "$(dirname "$0")" && pwd)"
data="${XDG_DATA_HOME:-$HOME/.local/share}/leopardnet-stick"
program="$data/$(cat "$here/program.id")"
results="${LEOPARDNET_RESULTS:-$HOME/leopardnet}"

case "${LC_ALL:-${LC_MESSAGES:-${LANG:-}}}" in
  ru*) ask="Папка карты памяти:"; unpack="Первый запуск: программа распаковывается, около минуты ..."
       missing="нет такой папки"; full="не удалось распаковать: нужно 1,2 ГБ свободного места в"; done_="Нажмите Enter, чтобы закрыть окно." ;;
  *)   ask="The folder of the card:"; unpack="The first start: the program is being unpacked, about a minute ..."
       missing="there is no such folder"; full="it could not be unpacked: 1.2 GB of free space are needed in"; done_="Press Enter to close this window." ;;
esac

finish() { if [ -t 0 ] && [ -n "${asked:-}" ]; then printf '%s ' "$done_"; read -r _; fi; exit "$1"; }

if [ ! -x "$program/python/bin/python" ]; then
  echo "$unpack"
  rm -rf "$program.part"
  mkdir -p "$program.part" && tar -xzf "$here/program.tar.gz" -C "$program.part" && mv "$program.part" "$program" ||
    { rm -rf "$program.part"; echo "error: $full $data" >&2; asked=1; finish 1; }
fi
leopardnet() { "$program/python/bin/python" -m leopardnet "$@"; }

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
mkdir -p "$results" && cd "$results" || finish 1
name="$(basename "$(dirname "$card")")-$(basename "$card")-$(date +%Y-%m-%d)"

if [ -d "$here/model" ]; then
  leopardnet predict "$card" --bundle "$here/model" --out "$name" &&
    leopardnet report "$name" --root "$card" --bundle "$here/model" --out "$name/report.html" || finish 1
  [ -n "${LEOPARDNET_NO_PAGE:-}" ] || leopardnet review "$name" --root "$card"
else
  leopardnet start "$card" --target leopard --out "$name" ${LEOPARDNET_NO_PAGE:+--no-page} || finish 1
fi
finish $?
