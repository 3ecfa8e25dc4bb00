# What setup, test and demo share: where the tree is, how to speak, how long a step took, how many build jobs fit.
# Sourced, never run. Messages go to stderr; an error is one line that ends in what to do.
set -euo pipefail
caller=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
torch_version=2.13.0
torch_index=${SEXTANT_TORCH_INDEX:-https://download.pytorch.org/whl/cpu} # CPU wheels; used where it answers at once
case ${LIBTORCH:-} in # LIBTORCH=DIR takes any other LibTorch (the folder of include/ and lib/)
  "" | /*) ;;
  *) export LIBTORCH=$caller/$LIBTORCH ;;
esac
libtorch=${LIBTORCH:-$root/.deps/libtorch}

say() { printf 'sextant: %s\n' "$*" >&2; }
die() {
  printf 'sextant: error: %s\n' "$*" >&2
  exit 1
}

# step NAME COMMAND...: runs it and says how long it took.
step() {
  local name=$1 start=$SECONDS
  shift
  say "$name ..."
  "$@"
  say "$name took $((SECONDS - start)) s"
}

# cpu_index: pip's options for the index of CPU wheels, a line each; nothing where it does not answer at once.
cpu_index() {
  python3 -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=3)' "$torch_index/torch/" >/dev/null 2>&1 || return 0
  printf '%s\n' --index-url "$torch_index"
}

# need_disk FOLDER MEGABYTES WHAT: stops where the disk that holds FOLDER has less room.
need_disk() {
  local free
  free=$(($(df -Pk "$1" | awk 'NR == 2 {print $4}') / 1024))
  [ "$free" -ge "$2" ] || die "disk full: $3 needs $2 MB in $1 and $free MB are free; make room there and start again"
}

# memory_mb: what may be used now (swap included), inside a container its limit.
memory_mb() {
  local mb limit
  mb=$(awk '/^(MemAvailable|SwapFree):/ {kb += $2} END {print int(kb / 1024)}' /proc/meminfo)
  limit=$(cat /sys/fs/cgroup/memory.max 2>/dev/null || echo max)
  [ "$limit" = max ] || [ $((limit / 1048576)) -ge "$mb" ] || mb=$((limit / 1048576))
  echo "$mb"
}

# build_jobs: one a core, and 2 GB of memory for each, since a file that sees LibTorch takes that much to compile.
build_jobs() {
  local memory jobs cores
  memory=$(memory_mb)
  cores=$(nproc)
  [ "$memory" -ge 1800 ] ||
    die "too little memory: one build job needs about 2000 MB and $memory MB are free; close programs or add swap"
  jobs=$((memory / 2000))
  [ "$jobs" -ge 1 ] || jobs=1
  [ "$jobs" -lt "$cores" ] || jobs=$cores
  [ "$jobs" = "$cores" ] || say "$memory MB of memory are free: $jobs build job(s) on $cores cores"
  echo "$jobs"
}

# configure FILE [OPTION...]: FILE is there once the build was made, and only then it needs no room.
configure() {
  [ -e "build/release/$1" ] || need_disk "$root" 2500 "the build"
  cmake --preset release -DLibTorch_ROOT="$libtorch" "${@:2}"
}

# build [TARGET...]
build() {
  local jobs
  jobs=$(build_jobs)
  cmake --build --preset release --parallel "$jobs" ${1:+--target "$@"}
}
