# Runs one test in a process of its own: bash one.sh FILE TEST. Started by tests/run, which sets $T (the
# test's own folder), $KIND, $CLOCHE, $SRC, $FIXTURES and $HOME.
set -Eeuo pipefail
umask 022
mkdir -p "$T/bin" "$HOME"
mkdir -p -m 700 "$XDG_RUNTIME_DIR"
cd "$T"

# The program with a store of its own. exec: its pid is the one that a test may signal.
cat > "$T/bin/cloche" <<END
#!/bin/sh
exec "$CLOCHE" --root "$T/root" --runroot "$T/runroot" "\$@"
END
chmod +x "$T/bin/cloche"
PATH="$T/bin:$PATH"

. "$SRC/tests/lib/helpers.sh"
. "$1"
trap 'tell_failure "$?" "$BASH_COMMAND"' ERR
trap 'end_started' EXIT
"$2"
