# Sourced by the other scripts: configures and builds one preset. Not a program.
# Progress goes to stderr; the whole log is shown only if something fails. Two callers at once are
# kept apart by a lock per preset. A build with nothing to do takes tens of milliseconds.

# build_preset ROOT PRESET TESTS(ON|OFF|keep) [TARGET...]
# `keep` leaves an existing build tree's choice alone and starts a new one without tests.
build_preset() {
  local root=$1 preset=$2 tests=$3
  shift 3
  mkdir -p "$root/build"
  (
    flock 9
    local dir=$root/build/$preset log=$root/build/$preset.log configure=()
    if [[ ! -f $dir/build.ninja ]]; then
      configure=(-DALLOCREPLAY_TESTS="${tests/keep/OFF}")
    elif [[ $tests != keep ]] && ! grep -qs "^ALLOCREPLAY_TESTS:BOOL=$tests$" "$dir/CMakeCache.txt"; then
      configure=(-DALLOCREPLAY_TESTS="$tests")
    fi
    cd "$root"
    if ((${#configure[@]})); then
      echo "configuring build/$preset" >&2
      run_logged "$log" cmake --preset "$preset" "${configure[@]}" || exit 1
    fi
    # Announced only once it has taken a second, for mostly there is nothing to do.
    (sleep 1 && echo "building build/$preset (the first time takes a few minutes)" >&3) \
      3>&2 9>&- </dev/null >/dev/null 2>&1 &
    local notice=$! status=0
    run_logged "$log" cmake --build --preset "$preset" ${*:+--target "$@"} || status=1
    kill "$notice" 2>/dev/null || true
    exit "$status"
  ) 9>"$root/build/.$preset.lock"
}

run_logged() {
  local log=$1
  shift
  if ! "$@" >"$log" 2>&1 9>&-; then
    cat "$log" >&2
    echo "failed: $* (log: $log)" >&2
    return 1
  fi
}
