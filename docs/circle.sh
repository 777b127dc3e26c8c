#!/usr/bin/env bash
# The whole circle from an empty system, without any key: messages, decisions, students, gate, shadow, canary, decline,
# step back, rollback. What each step is for stands in docs/circle.md. Takes about an hour on two cores.
#   CIRCLE_MODELS=openai …                    on the stand-in for OpenAI, students by fine-tuning; costs are real counts
#   bash docs/circle.sh                       everything, into build/circle
#   CIRCLE_TALKS=80 … bash docs/circle.sh     smaller; tests/circle/test_small_circle.py names what it sets
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

: "${CIRCLE:=build/circle}"                       # a folder of this run's own: database, students, files, figures
: "${CIRCLE_NODES:=classify generate_product_usage}"
: "${CIRCLE_TALKS:=4600}"                         # conversations before the datasets are built
: "${CIRCLE_HELD_OUT:=0.81}"                      # of the patients: leaves 500 training rows beside the plans' rows
: "${CIRCLE_FEW:=100}" "${CIRCLE_MANY:=500}"      # training rows
: "${CIRCLE_AFTER:=1000}"                          # conversations when the student serves all
: "${CIRCLE_ROUND:=400}"                          # conversations between two looks at what a step still needs
: "${CIRCLE_ROUNDS:=80}"                          # looks before a step is given up
: "${CIRCLE_PORT:=8766}"
: "${CIRCLE_MODELS:=local}" "${CIRCLE_PROVIDER_PORT:=8767}"
export KAKARI_PLANS="${KAKARI_PLANS:-distillation/plans}"
export KAKARI_HOME="$CIRCLE/home" KAKARI_MODELS="$CIRCLE_MODELS" KAKARI_MODELS_FILE="$CIRCLE/models.toml" KAKARI_SETTLE_SECONDS=0
export PORT="$CIRCLE_PORT" LOG_LEVEL=ERROR CIRCLE_URL="http://127.0.0.1:$CIRCLE_PORT"
unset OPENAI_API_KEY OPENAI_BASE_URL LANGSMITH_API_KEY
python=.venv/bin/python
kakari() { "$python" -m cli "$@"; }
circle() { "$python" -m tests.circle "$@"; }
say() { printf '\n== %s\n' "$*"; }
value() { "$python" -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$1" "$2"; }
each() { printf '%s\n' "$@" | awk '!seen[$0]++' | paste -sd, -; }   # joined, what comes twice once
[ -e "$CIRCLE/home" ] && { echo "$CIRCLE: holds a run already; expected a folder that is not there" >&2; exit 2; }
mkdir -p "$CIRCLE/rows" "$CIRCLE/figures"
cp nodes/models.toml "$CIRCLE/models.toml"
figures="$CIRCLE/figures"

serve() {                                         # Start Kakari, and wait until it answers.
  "$python" -m cli serve >>"$CIRCLE/serve.log" 2>&1 &
  served=$!
  for _ in $(seq 240); do
    "$python" -c 'import sys, urllib.request as u; u.urlopen(sys.argv[1] + "/readyz", timeout=2)' "$CIRCLE_URL" 2>/dev/null && return
    kill -0 "$served" 2>/dev/null || { tail -5 "$CIRCLE/serve.log" >&2; exit 1; }
    sleep 0.5
  done
  echo "kakari serve was not ready in time; see $CIRCLE/serve.log" >&2; exit 1
}
stop() { kill "$served" 2>/dev/null && wait "$served" 2>/dev/null || true; }
trap stop EXIT

own=local nothing=local:nothing                   # who trains, and what a student begins from
if [ "$CIRCLE_MODELS" = openai ]; then
  own=teacher nothing=openai:gpt-4o-mini-2024-07-18
  export OPENAI_API_KEY=circle OPENAI_BASE_URL="http://127.0.0.1:$CIRCLE_PROVIDER_PORT/v1"
  "$python" -m tests.fakes.openai_server --port "$CIRCLE_PROVIDER_PORT" --rule tests/circle/teacher.py >"$CIRCLE/provider.log" 2>&1 &
  provider=$!
  trap 'stop; kill "$provider" 2>/dev/null || true' EXIT
fi

played=0
play() {                                          # Let so many new conversations happen; what became of them goes to a file.
  circle play "$1" --first "$played" "${@:3}" | tee "$figures/$2.json"
  played=$((played + $1))
}
promote() { kakari promote "$1" --approved-by ono --yes --json >"$figures/$1.$2.json" 2>"$figures/$1.$2.said"; }
step() {                                          # Let messages flow until the plan's counts are there and the step is taken.
  local round
  for round in $(seq "$CIRCLE_ROUNDS"); do
    if promote "$1" "$2"; then echo "$1: $(value "$figures/$1.$2.json" after)"; return; fi
    [ -s "$figures/$1.$2.json" ] || { cat "$figures/$1.$2.said" >&2; return 1; }
    play "$CIRCLE_ROUND" "$1.$2.live" >/dev/null
  done
  echo "$1: $2 was not reached in $CIRCLE_ROUNDS rounds; see $figures/$1.$2.json" >&2; return 1
}

say "1. An empty system: a key for the shop, and a lead who may let students serve"
serve
CIRCLE_KEY=$(kakari keys create --name circle --json | "$python" -c 'import json, sys; print(json.load(sys.stdin)["key"])')
export CIRCLE_KEY
kakari users add ono --role lead --json >/dev/null

say "2. Messages flow on the shipped local models, and a pharmacist decides on each by what is true"
play "$CIRCLE_TALKS" before

for node in $CIRCLE_NODES; do                     # one after the other: each learns from what the ones before it brought about
  say "3. $node: datasets of $CIRCLE_FEW and of $CIRCLE_MANY training rows, with the same held-out rows"
  kakari dataset build "$node" --rows "$CIRCLE_FEW" --held-out-share "$CIRCLE_HELD_OUT" --json >"$figures/$node.few.json"
  kakari dataset build "$node" --rows "$CIRCLE_MANY" --held-out-share "$CIRCLE_HELD_OUT" --json >"$figures/$node.many.json"
  few=$(value "$figures/$node.few.json" version) many=$(value "$figures/$node.many.json" version)
  for split in train held_out; do kakari dataset export "$many" "$CIRCLE/rows/$node.$split.jsonl" --split "$split"; done
  kakari dataset build "$node" --held-out-share "$CIRCLE_HELD_OUT" --json >"$figures/$node.all.json"
  kakari dataset export "$(value "$figures/$node.all.json" version)" "$CIRCLE/$node.all.jsonl"
  others=()
  if [ "$node" != classify ]; then
    for other in generate_order_delivery generate_symptom_consultation; do
      kakari dataset build "$other" --held-out-share "$CIRCLE_HELD_OUT" --json >"$figures/$other.json"
      kakari dataset export "$(value "$figures/$other.json" version)" "$CIRCLE/rows/$other.train.jsonl"
      others+=(--other "$CIRCLE/rows/$other.train.jsonl")
    done
  fi
  circle base "$CIRCLE/$node.all.jsonl" "$CIRCLE/$node.base.jsonl" "$node" "${others[@]}"

  say "4. $node: the base student, and students of $CIRCLE_FEW and $CIRCLE_MANY rows; all of one class, from nothing"
  train() { kakari distill "$node" --trainer "$CIRCLE_MODELS" --model "$1" --yes --json "${@:3}" >"$figures/$node.$2.json"; }
  beside=$nothing                                 # what ships learns the same rows beside its own: that one is put forward
  [ "$CIRCLE_MODELS" = local ] && beside="local:$node"
  train "$nothing" student_base --train "$CIRCLE/$node.base.jsonl"
  train "$nothing" student_few --dataset "$few"
  train "$nothing" student_many --dataset "$many"
  train "$beside" student_beside --dataset "$many"

  say "5. $node: all on the same held-out rows, none of which any of them has seen"
  base=$(value "$figures/$node.student_base.json" model) hundred=$(value "$figures/$node.student_few.json" model)
  whole=$(value "$figures/$node.student_many.json" model) beside=$(value "$figures/$node.student_beside.json" model)
  teacher=$("$python" -c 'import sys, tomllib; print(tomllib.load(open(sys.argv[1], "rb"))[sys.argv[2]][sys.argv[3]])' nodes/models.toml "$node" "$own")
  kakari evaluate "$node" --dataset "$many" --models "$(each "$base" "$hundred" "$whole" "$beside" "$teacher")" --yes --json >"$figures/$node.against_base.json"
  kakari evaluate "$node" --dataset "$many" --models "$hundred,$whole" --yes --json >"$figures/$node.against_few.json"
  printf '\n[%s.student]\nmodel = "%s"\nprompt_fingerprint = "%s"\n' "$node" "$beside" \
    "$(value "$figures/$node.student_beside.json" prompt_fingerprint)" >>"$CIRCLE/models.toml"

  say "6. $node: what was written down to train from is looked at by a checker of its own"
  circle check "$CIRCLE/rows" --played "$played" | tee "$figures/checked.json"

  say "7. $node: Kakari is started with the models file that names the student; the gate, then shadow"
  stop; serve
  promote "$node" gate || { cat "$figures/$node.gate.json" "$figures/$node.gate.said"; exit 1; }
  echo "$node: $(value "$figures/$node.gate.json" after)"

  say "8. $node: messages flow until the plan's counts are there: each share in turn, then all"
  shares=$("$python" -c 'import sys, tomllib; print(len(tomllib.load(open(sys.argv[1], "rb"))["canary"]["shares"]))' "$KAKARI_PLANS/$node.toml")
  for canary in $(seq "$shares"); do step "$node" "canary_$canary"; done
  step "$node" full
  play "$CIRCLE_AFTER" after
done

for node in $CIRCLE_NODES; do
  say "9. $node: the pharmacist begins to turn down what the student has a part in, until the teacher serves again"
  student=$(value "$figures/$node.student_beside.json" model)
  for round in $(seq "$CIRCLE_ROUNDS"); do
    play 40 "$node.decline" --turn-down "$node=${student#openai:}"  # as the provider calls it
    [ "$(value "$figures/$node.decline.json" turned_down)" = 0 ] && break
  done
  [ "$(value "$figures/$node.decline.json" turned_down)" = 0 ] || { echo "$node: did not step back" >&2; exit 1; }

  say "10. $node: promoted again from the beginning, and rolled back by hand"
  promote "$node" again || { cat "$figures/$node.again.said" >&2; exit 1; }
  kakari rollback "$node" --reason "end of the circle" --json | tee "$figures/$node.rollback.json"
done
kakari audit verify | tail -3

say "11. Figures"
circle figures "$figures" --out "$CIRCLE/circle.json"
