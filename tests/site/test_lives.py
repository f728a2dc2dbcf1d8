"""The life of a model: whatever one command writes, every other one opens, with the same
ids, the same rendering of a conversation, and the same end tokens. Small random models."""

import json
import subprocess
import sys

import pytest
import torch

from minillm.checkpoint.huggingface import export_pretrained
from minillm.checkpoint.open import open_model
from minillm.checkpoint.run import save_checkpoint
from minillm.checkpoint.tokenizers import JSONTokenizer
from minillm.commands.finetune import finetune, quantize
from minillm.commands.generate import export
from minillm.config import ModelConfig, RunConfig
from minillm.data.chat import CHAT_TOKENS, DEFAULT_TEMPLATE
from minillm.models.decoder import Decoder
from minillm.tokenizer.bpe import BPETokenizer
from minillm.tokenizer.text_format import TextFormat, write_text_format

TEXT = "Once upon a time <|end|> Nora lost her red kite. [INST] yes [/INST] "
TALK = [{"role": "user", "content": "Who lost it? <|end|>"},
        {"role": "assistant", "content": "Nora."},
        {"role": "user", "content": "And then?"}]
INST = ("{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}"
        "{{ '[INST] ' + m.content + ' [/INST]' }}{% else %}{{ ' ' + m.content + eos_token }}"
        "{% endif %}{% endfor %}")
METHODS = ("sft", "lora", "qlora", "dpo", "ppo", "grpo")


def decoder(vocab_size):
    torch.manual_seed(0)
    return Decoder(ModelConfig(vocab_size=vocab_size, d_model=32, n_heads=4, n_kv_heads=2,
                               n_layers=2, d_ff=64, max_seq_len=128)).eval()


def metaspace(specials):
    """A tokenizer.json as Llama 2's: spaces as ▁, a begin token in front of prompts."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    made = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=False))
    made.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    made.decoder = decoders.Metaspace(prepend_scheme="first")
    made.train_from_iterator([TEXT * 5, json.dumps(TALK)], trainers.BpeTrainer(
        vocab_size=200, special_tokens=specials, show_progress=False))
    made.post_processor = processors.TemplateProcessing(
        f"{specials[1]} $A", special_tokens=[(specials[1], 1)])
    return JSONTokenizer(made)


def make_run(folder, tokenizer, text_format):
    model = decoder(tokenizer.vocab_size)
    save_checkpoint(folder, model, torch.optim.SGD(model.parameters()), {},
                    {"step": 1, "model": model.config.to_dict()})
    RunConfig(model=model.config).save(folder / "config.json")
    tokenizer.save(folder / "tokenizer.json")
    write_text_format(text_format, folder)


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """The five models that lives begin with, and the data."""
    root = tmp_path_factory.mktemp("lives")
    base = BPETokenizer.train(TEXT * 20, 300, ["<|endoftext|>"])
    chat = BPETokenizer(base.merges, ["<|endoftext|>", *CHAT_TOKENS])
    make_run(root / "base", base, TextFormat())
    make_run(root / "chat", chat, TextFormat(template=DEFAULT_TEMPLATE))
    export_pretrained(decoder(base.vocab_size), root / "hub_base", base)
    named = TextFormat({"bos_token": "<s>", "eos_token": "</s>"}, (2,), INST)
    for name, tokenizer in (("hub_bytes", BPETokenizer.train(TEXT * 20, 300,
                                                             ["<s>", "</s>"])),
                            ("hub_spaces", metaspace(["<unk>", "<s>", "</s>"]))):
        ends = TextFormat(named.named, (tokenizer.id_of("</s>"),), INST)
        export_pretrained(decoder(tokenizer.vocab_size), root / name, tokenizer,
                          text_format=ends)
    rows = {"pc": [{"prompt": "Once ", "completion": "upon"}] * 4,
            "pairs": [{"prompt": "Once ", "chosen": "upon", "rejected": "a"}] * 4,
            "sums": [{"prompt": "Once ", "answer": "upon"}] * 4}
    for name, lines in rows.items():
        (root / f"{name}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in lines))
    return root


def same_life(before, after, exact=True):
    """What must not change from folder to folder."""
    for text in (TEXT, "a", "  two  spaces"):
        assert before.tokenizer.encode(text) == after.tokenizer.encode(text)
        assert before.encode(text) == after.encode(text)
    assert before.encode_chat(TALK) == after.encode_chat(TALK)
    assert before.has_template == after.has_template
    assert set(before.stop_ids) == set(after.stop_ids) != set()
    assert before.text_format.named.items() <= after.text_format.named.items()
    if exact:
        ids = torch.tensor([before.encode("Once upon a time")])
        with torch.no_grad(): gap = (before.model(ids) - after.model(ids)).abs().max()
        assert gap < 1e-4


def tuned(work, out, source, method):
    data = {"dpo": "pairs", "ppo": "pairs", "grpo": "sums"}.get(method, "pc")
    own = {"dpo": {}, "grpo": {"samples": 2}, "ppo": {"samples": 2, "seq_length": 32}}
    finetune(work / f"{data}.jsonl", out, method, checkpoint=source, steps=1, batch_size=2,
             device="cpu", as_json=True, **own.get(method, {"seq_length": 32}))


def readers(work, source, tmp_path):
    """Every other command on a model, and what each leaves behind opened again."""
    before = open_model(source)
    export(tmp_path / "x", checkpoint=source, as_json=True)
    same_life(before, open_model(tmp_path / "x"))
    quantize(tmp_path / "q", "int8", checkpoint=source, as_json=True)
    same_life(before, open_model(tmp_path / "q"), exact=False)
    tuned(work, tmp_path / "again", source, "sft")
    same_life(before, open_model(tmp_path / "again"), exact=False)
    return before


SOURCES = ("base", "chat", "hub_base", "hub_bytes", "hub_spaces")


@pytest.mark.parametrize("source", SOURCES)
def test_every_command_opens_what_lives_begin_with(work, source, tmp_path):
    readers(work, work / source, tmp_path)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("source", ["chat", "hub_bytes"])
def test_every_command_opens_what_was_tuned(work, source, method, tmp_path):
    tuned(work, tmp_path / "t", work / source, method)
    same_life(open_model(work / source), open_model(tmp_path / "t"), exact=False)
    readers(work, tmp_path / "t", tmp_path)
    step = next((tmp_path / "t").glob("step-*"))
    same_life(open_model(tmp_path / "t"), open_model(step))
    if method == "lora":
        same_life(open_model(tmp_path / "t"), open_model(tmp_path / "t" / "adapter"))


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("scheme", ["int4", "nf4", "f16", "q8_0"])
def test_quantized_folders_and_gguf_files(work, source, scheme, tmp_path):
    gguf = scheme in ("f16", "q8_0")
    if gguf: pytest.importorskip("gguf")
    out = tmp_path / ("m.gguf" if gguf else "q")
    if gguf and source == "hub_spaces":
        with pytest.raises(ValueError, match="GPT-2's way of cutting"):
            quantize(out, scheme, checkpoint=work / source, as_json=True)
        return
    quantize(out, scheme, checkpoint=work / source, as_json=True)
    same_life(open_model(work / source), open_model(out), exact=False)
    if gguf:
        readers(work, out, tmp_path)
        return
    for refused in (lambda: export(tmp_path / "x", checkpoint=out),
                    lambda: quantize(tmp_path / "r", checkpoint=out),
                    lambda: tuned(work, tmp_path / "t", out, "sft")):
        with pytest.raises(ValueError, match="quantized"): refused()


@pytest.mark.parametrize("source", ["chat", "hub_bytes", "hub_spaces"])
def test_transformers_reads_an_export_as_we_do(work, source, tmp_path):
    transformers = pytest.importorskip("transformers")
    export(tmp_path / "x", checkpoint=work / source, as_json=True)
    ours = open_model(tmp_path / "x")
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path / "x")
    talk = [{**m, "content": m["content"].replace(" <|end|>", "")} for m in TALK]
    rendered = theirs.apply_chat_template(talk, tokenize=False, add_generation_prompt=True)
    assert ours.template.render(talk, True) == rendered
    ids = theirs(rendered, add_special_tokens=False).input_ids
    assert ours.encode_chat(talk) == ids
    assert theirs("Once upon").input_ids == ours.encode("Once upon")
    config = transformers.GenerationConfig.from_pretrained(tmp_path / "x")
    found = config.eos_token_id
    assert set(found if isinstance(found, list) else [found]) == set(ours.stop_ids)


def test_a_text_ends_and_commands_agree(work):
    """The packaged commands themselves, once: the end token of a folder ends a text."""
    done = subprocess.run(
        [sys.executable, "-m", "minillm", "generate", "Once", "--max-tokens", "5", "--json",
         "--checkpoint", str(work / "hub_spaces"), "--device", "cpu"],
        capture_output=True, text=True)
    assert done.returncode == 0 and json.loads(done.stdout)["texts"]
