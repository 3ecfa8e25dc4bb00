#!/usr/bin/env bash
# readback.sh PROGRAM: trains for a moment, then compares every scalar of log.jsonl with what the real tensorboard reads.
set -euo pipefail
python=${SEXTANT_TENSORBOARD_PYTHON:-python3}
if ! "$python" -c 'import tensorboard' 2>/dev/null; then
  echo "skipped: $python has no tensorboard package; see tests/tensorboard/CMakeLists.txt"
  exit 77
fi
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$1" train recipes/vae-mnist.toml --quiet --out "$work/run" --set data.limit=1000 --set data.test_limit=100 \
  --set train.epochs=2 --set train.log_every=3 --set 'train.keep_epochs=[2]' --set 'model.hidden=[16]' >/dev/null
"$python" "$here/readback.py" "$work/run/events.out.tfevents.sextant" >"$work/read.json"
"$python" - "$work" <<'PY'
import json, math, pathlib, struct, sys

work = pathlib.Path(sys.argv[1])
read = {(e["tag"], e["step"]): e["value"] for e in map(json.loads, (work / "read.json").read_text().splitlines())}
expected = {}
for line in (work / "run" / "log.jsonl").read_text().splitlines():
    record = json.loads(line)
    prefix = "train/" if record["kind"] == "step" else f"epoch/{record['split']}/"
    for key, value in record.items():
        if isinstance(value, (int, float)) and key not in ("step", "epoch"):
            expected[prefix + record["player"] + "/" + key, record["step"]] = value
assert expected and read.keys() == expected.keys(), sorted(read.keys() ^ expected.keys())[:5]
for key, value in expected.items():
    stored = struct.unpack("f", struct.pack("f", value))[0]  # events hold floats
    assert math.isclose(read[key], stored, rel_tol=1e-6), (key, read[key], value)
print(f"tensorboard read {len(read)} scalars as written")
PY
