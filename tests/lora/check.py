"""`make lora-check`: the recipe on a tiny model of random weights, with a tokenizer made here; no network, no GPU."""

import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from peft import PeftModel
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

from tests.unit.distillation.trainers import classify_rows

TEMPLATE = (
    "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
SPECIAL = ["<|end|>", "<|pad|>", "<|system|>", "<|user|>", "<|assistant|>"]
ROWS, HELD_OUT, VOCABULARY = 20, 10, 4000


def main() -> int:
    """Return 0 when everything that the recipe promises was seen."""
    with tempfile.TemporaryDirectory() as folder:
        told = _check(Path(folder))
    sys.stdout.write(f"{told}\n")
    return 0


def _check(folder: Path) -> str:
    base, out = folder / "base", folder / "adapter"
    parameters = _tiny_base(base)
    train = classify_rows.written(folder / "train.jsonl", classify_rows.drawn("train", ROWS))
    validation = classify_rows.written(folder / "validation.jsonl", classify_rows.drawn("held_out", HELD_OUT))
    cache = folder / "cache"
    said = _run(base, train, validation, out, cache)
    losses, (before, after) = said["losses"], said["validation_loss"]
    assert all(map(math.isfinite, losses)), losses
    assert losses[-1] < losses[0] / 2, losses
    assert after < before / 2, (before, after)
    _refuse_again(base, train, out, cache)
    changed = _loaded_again(base, out)
    card = json.loads((out / "kakari.json").read_text(encoding="utf-8"))
    assert card["prompt_fingerprint"] == classify_rows.prompt("").fingerprint
    _no_words_left(cache)
    assert sorted(path.name for path in folder.iterdir() if path.name.startswith(".")) == []
    return (
        f"{parameters:,} random parameters, {ROWS} rows: loss {losses[0]:.3f} at the first of {len(losses)} steps, "
        f"{losses[-1]:.3f} at the last; on {HELD_OUT} rows not learnt {before:.3f} before, {after:.3f} after. "
        f"The adapter {said['name']} was saved, loaded again, and moves the scores by up to {changed:.2f}."
    )


def _tiny_base(folder: Path) -> int:
    """Write a model of two layers and a tokenizer made of the prompt; return how many parameters it has."""
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    # Of the node's own prompt, so that its thousands of letters are few hundreds of tokens.
    words = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=SPECIAL, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False, min_frequency=1,
    )  # fmt: skip
    raw.train_from_iterator([message["content"] for message in classify_rows.messages("")], words)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, eos_token="<|end|>", pad_token="<|pad|>", extra_special_tokens=SPECIAL[2:],
        chat_template=TEMPLATE,
    )  # fmt: skip
    torch.manual_seed(1)
    shape = Qwen2Config(
        vocab_size=raw.get_vocab_size(), hidden_size=64, intermediate_size=128, initializer_range=0.3,
        num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=16384,
        eos_token_id=0, pad_token_id=1, bos_token_id=None,
    )  # fmt: skip
    model = Qwen2ForCausalLM(shape)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return sum(each.numel() for each in model.parameters())


def _run(base: Path, train: Path, validation: Path, out: Path, cache: Path) -> dict:  # type: ignore[type-arg]
    done = _recipe(base, train, out, cache, "--validation", str(validation))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def _refuse_again(base: Path, train: Path, out: Path, cache: Path) -> None:
    taken = _recipe(base, train, out, cache)
    assert (taken.returncode, "is there already" in taken.stderr) == (1, True), taken.stderr
    long = _recipe(base, train, out.with_name("long"), cache, "--longest", "100")
    assert (long.returncode, "train.jsonl:1:" in long.stderr) == (1, True), long.stderr
    assert not out.with_name("long").exists()


def _recipe(base: Path, train: Path, out: Path, cache: Path, *more: str) -> subprocess.CompletedProcess[str]:
    words = [
        sys.executable, "-m", "distillation.lora", "classify", "--base", str(base), "--train", str(train), "--out",
        str(out), "--json", "--epochs", "6", "--batch", "2", "--accumulate", "1", "--learning-rate", "0.01",
        "--longest", "16000", *more,
    ]  # fmt: skip
    where = {**os.environ, "HF_HOME": str(cache)}
    return subprocess.run(words, capture_output=True, text=True, env=where, check=False)


def _loaded_again(base: Path, out: Path) -> float:
    """Return by how much the adapter, read from its folder, moves the base's scores of a row."""
    tokenizer = AutoTokenizer.from_pretrained(out)
    asked = tokenizer.apply_chat_template(
        classify_rows.messages("荷物はいつ届きますか"), add_generation_prompt=True, tokenize=False
    )
    ids = tokenizer(asked, return_tensors="pt", add_special_tokens=False)["input_ids"]
    assert tokenizer.decode(ids[0]) == asked
    plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    with torch.no_grad():
        before = plain(ids).logits
        after = PeftModel.from_pretrained(plain, out)(ids).logits
    moved = float((after - before).abs().max())
    assert moved > 0.1, moved
    return moved


def _no_words_left(cache: Path) -> None:
    """Assert that nothing of the rows was left in the libraries' caches."""
    words = "荷物".encode()
    left = [path for path in cache.rglob("*") if path.is_file() and words in path.read_bytes()]
    assert left == [], left


if __name__ == "__main__":
    sys.exit(main())
