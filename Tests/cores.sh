#!/usr/bin/env bash
# The tests under the code that OpenBLAS has for each processor family, as far as this processor can run it: products round
# differently in each, and no test may depend on how.
#
#   Tests/cores.sh                                  all that this processor and this library have
#   CORES="Nehalem SkylakeX" Tests/cores.sh         these alone, in this order: to go on after an interruption
#   Tests/cores.sh --filter 'KernelTests\.'         what follows is handed to `swift test`
#
# The tests have to be built. Ends with a table of cores and failing tests, and with 1 where any failed or could not be run.
set -euo pipefail
cd "$(dirname "$0")/.."

notes=${CORE_NOTES:-.build/cores}
configuration=${CONFIGURATION:-debug}
strata=.build/$configuration/strata
mkdir -p "$notes"

# Each core, and what /proc/cpuinfo says of processors that can run its code.
requirements() {
  case $(uname -m) in
    x86_64) cat << 'END' ;;
Prescott pni
Core2 ssse3
Penryn sse4_1
Dunnington sse4_1
Nehalem sse4_2
Atom ssse3
Nano ssse3
Opteron 3dnowprefetch
Opteron_SSE3 3dnowprefetch pni
Barcelona 3dnowprefetch sse4a
Bobcat 3dnowprefetch sse4a ssse3
Bulldozer avx fma4 xop
Piledriver avx fma4 xop fma
Steamroller avx fma4 xop fma
Excavator avx2 fma4 xop fma
Sandybridge avx
Haswell avx2 fma
Zen avx2 fma
SkylakeX avx512f avx512cd avx512bw avx512dq avx512vl
Cooperlake avx512f avx512cd avx512bw avx512dq avx512vl avx512_bf16
SapphireRapids avx512f avx512cd avx512bw avx512dq avx512vl avx512_bf16 amx_tile amx_bf16
END
    aarch64) cat << 'END' ;;
ARMV8 asimd
CORTEXA53 asimd
CORTEXA57 asimd
CORTEXA72 asimd
CORTEXA73 asimd
CORTEXA55 asimd
FALKOR asimd
THUNDERX asimd
THUNDERX2T99 asimd atomics
TSV110 asimd atomics asimdhp
EMAG8180 asimd
NEOVERSEN1 asimd atomics asimdhp asimddp
NEOVERSEV1 sve bf16
NEOVERSEN2 sve2 bf16
ARMV8SVE sve
A64FX sve
END
    *) echo "Tests/cores.sh knows no cores of $(uname -m)" >&2; return 1 ;;
  esac
}

flags=" $(grep -m1 -E '^(flags|Features)' /proc/cpuinfo | cut -d: -f2) "

# Flags that are missing for a core; a core that is not listed is tried.
missing_flags() {
  local name needed flag
  while read -r name needed; do
    [[ ${name,,} == "${1,,}" ]] || continue
    for flag in $needed; do [[ $flags == *" $flag "* ]] || printf '%s ' "$flag"; done
  done < <(requirements)
}

# The core whose code the library runs when it is asked for one: it takes another where it has none of that name.
core_in_force() {
  OPENBLAS_CORETYPE=$1 "$strata" version --json | sed -n 's/.* core \([A-Za-z0-9_]*\).*/\1/p'
}

[[ -x $strata ]] || { echo "$strata is missing: build the tests first" >&2; exit 1; }
read -r -a wanted <<< "${CORES:-$(requirements | cut -d' ' -f1 | tr '\n' ' ')}"

results=() status=0
for core in "${wanted[@]}"; do
  missing=$(missing_flags "$core")
  if [[ -n $missing ]]; then
    results+=("$core|not run|this processor has no ${missing% }")
    continue
  fi
  in_force=$(core_in_force "$core" || true)
  if [[ ${in_force,,} != "${core,,}" ]]; then
    results+=("$core|not run|this OpenBLAS has no such core, and takes ${in_force:-none}")
    [[ -z ${CORES:-} ]] || status=1
    continue
  fi
  echo "== $core, which OpenBLAS confirms: $notes/$core.txt"
  started=$SECONDS
  if OPENBLAS_CORETYPE=$core swift test -c "$configuration" --skip-build --disable-xctest "$@" \
    > "$notes/$core.txt" 2>&1; then
    results+=("$core|passed|$((SECONDS - started)) s")
  else
    status=1
    # The lines that end a test say "with 1 issue", those of suites and of the whole run have no test's name.
    failing=$(sed -nE 's/^.*Test "?([^"]*[^" ])"? (with [0-9]+ test cases )?failed after.*/\1/p' "$notes/$core.txt" \
      | grep -v '^run with' | sort -u | paste -sd ';' | sed 's/;/; /g' || true)
    results+=("$core|FAILED|${failing:-no test failed: see $notes/$core.txt}")
  fi
  echo "   ${results[-1]//|/, }"
done

echo
printf '%-16s%-9s%s\n' core result ''
for result in "${results[@]}"; do
  IFS='|' read -r core outcome remark <<< "$result"
  printf '%-16s%-9s%s\n' "$core" "$outcome" "$remark"
done
exit "$status"
