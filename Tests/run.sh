#!/usr/bin/env bash
# `swift test` with these arguments. Where it fails, the last lines name the tests that failed, each with what it recorded: the log of a
# thousand tests says so somewhere in the middle. Ends with the exit code of `swift test`.
#
# The whole log stays in .build/tests.txt, or where TEST_LOG says.
set -uo pipefail
cd "$(dirname "$0")/.."

log=${TEST_LOG:-.build/tests.txt}
mkdir -p "$(dirname "$log")"
swift test "$@" 2>&1 | tee "$log"
code=${PIPESTATUS[0]}
[[ $code == 0 ]] && exit 0

echo
echo "== what failed (the whole log: $log)"
# A recorded issue is a line with its test's name and place, and the lines behind it that begin with no mark of their own; names of tests
# may be quoted. Marks are compared as bytes, so that any awk will do.
LC_ALL=C awk -v cross='✘ ' -v lines_an_issue=25 -v issues=60 '
  BEGIN { count = split("◇ |✔ |✘ |━ |➜ |⚠ |ℹ |↳ |fuzz: ", marks, "|") }
  function is_marked(text,   i) {
    for (i = 1; i <= count; i++) if (index(text, marks[i]) == 1) return marks[i]
    return ""
  }
  index($0, cross) == 1 && / recorded an issue / {
    shown++
    left = shown <= issues ? lines_an_issue : 0
    if (shown <= issues) print $0
    next
  }
  {
    mark = is_marked($0)
    if (mark != "" && mark != "↳ ") left = 0
    if (left > 0) { left--; print $0 }
  }
  END {
    if (shown > issues) printf "... and %d more issues\n", shown - issues
    if (shown == 0) print "no test recorded an issue: the build failed, or the process ended early"
  }' "$log"
echo
echo "== tests that failed"
names=$(LC_ALL=C sed -nE 's/^✘ Test (.*) failed after [0-9.]+ seconds.*/  \1/p' "$log" | grep -vE '^  (run with|case passing) ' | sort -u)
printf '%s\n' "${names:-  none came to its end}"
# What a process that died, and a build that failed, say last.
[[ -n $names ]] || tail -n 20 "$log"
exit "$code"
