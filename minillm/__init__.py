"""Understand and build a modern language model: every part from scratch, each in its chapter of the book.

The names below are loaded when they are first used, so `import minillm` stays light.
"""
from importlib import import_module
from typing import Any

_HOME = {
    "ModelConfig": "config", "RunConfig": "config", "TrainingConfig": "config", "load_config": "config",
    "Decoder": "models.decoder", "PRESETS": "models.presets", "preset": "models.presets",
    "BPETokenizer": "tokenizer.bpe", "CharTokenizer": "tokenizer.simple", "WordTokenizer": "tokenizer.simple",
    "load_tokenizer": "tokenizer.auto", "prepare": "data.sources", "tale_text": "worlds.tales", "judge": "worlds.tales_judge",
    "load_pretrained": "checkpoint.huggingface", "export_pretrained": "checkpoint.huggingface",
    "Trainer": "train.trainer", "load_model": "checkpoint.run",
    "NGram": "models.ngram", "MLPLanguageModel": "models.mlp", "RecurrentLanguageModel": "models.rnn",
    "ViT": "models.vit", "Sampler": "decoding.sample", "make_sampler": "decoding.sample", "KVCache": "decoding.cache", "generate": "decoding.sample",
    "min_p": "decoding.sample", "repetition_penalty": "decoding.sample", "growing_text": "decoding.text",
    "write_texts": "decoding.batch", "beam_search": "decoding.beam", "speculative": "decoding.speculative",
    "FastDecoder": "decoding.fast", "TurnedCache": "decoding.fast", "Int8Linear": "layers.int8",
    "Muon": "train.muon", "make_muon": "train.muon", "chunked_loss": "train.losses",
    "verify": "device",
}
__all__ = ["__version__", *_HOME]


def _version() -> str:
    """The version that is installed; asking takes longer than the rest of this file."""
    from importlib.metadata import PackageNotFoundError, version
    try: return version("minillm")
    except PackageNotFoundError: return "0.0.0"


def __getattr__(name: str) -> Any:
    """Load a public name from the module that defines it (PEP 562)."""
    if name == "__version__": return _version()
    if name not in _HOME: raise AttributeError(f"module 'minillm' has no attribute {name!r}")
    return getattr(import_module(f"minillm.{_HOME[name]}"), name)


def __dir__() -> list[str]: return sorted({*globals(), *__all__})
