"""Checkpoints as a hub serves them, with random weights: what `vitrine models add` converts and benchmarks measure.

Speed does not depend on the weights, and neither does parity. CLIP's own vocabulary is used where ../shared/data has
it; elsewhere a small one is trained on the spot, by the same rules.
"""

import gzip
import json
from pathlib import Path
from typing import Any

START, END = "<|startoftext|>", "<|endoftext|>"
ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = ROOT.parent / "shared" / "data"
CLIP_VOCABULARY = SHARED_DATA / "clip" / "bpe_simple_vocab_16e6.txt.gz"
CLIP_MERGES = 49152 - 256 - 2
OPENAI_MEAN = [0.48145466, 0.4578275, 0.40821073]
OPENAI_STD = [0.26862954, 0.26130258, 0.27577711]

# Large enough that heads, layers and positions matter, small enough for a test on two cores.
SMALL_CLIP: dict[str, Any] = {
    "projection_dim": 96,
    "text_config": {
        "hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 3, "num_attention_heads": 4,
        "projection_dim": 96,
    },
    "vision_config": {
        "hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 3, "num_attention_heads": 4,
        "projection_dim": 96, "image_size": 64, "patch_size": 16,
    },
}  # fmt: skip
SMALL_SIGLIP: dict[str, Any] = {
    "text_config": {
        "hidden_size": 144, "intermediate_size": 320, "num_hidden_layers": 3, "num_attention_heads": 4,
        "vocab_size": 1200,
    },
    "vision_config": {
        "hidden_size": 144, "intermediate_size": 320, "num_hidden_layers": 3, "num_attention_heads": 4,
        "image_size": 96, "patch_size": 16,
    },
}  # fmt: skip


def write_clip_checkpoint(folder: Path, *, config: dict[str, Any] | None = None) -> None:
    """Write a transformers CLIP: config.json, model.safetensors, tokenizer and preprocessor_config.json.

    config: keyword arguments of CLIPConfig (SMALL_CLIP for tests); without it the model is ViT-B/32. Needs torch and
    transformers.
    """
    import torch
    from transformers import CLIPConfig, CLIPModel

    folder.mkdir(parents=True, exist_ok=True)
    vocabulary, _ = write_clip_tokenizer(folder)
    chosen = dict(config or {})
    end = vocabulary[END]
    specials = {"bos_token_id": vocabulary[START], "eos_token_id": end, "pad_token_id": end}
    chosen["text_config"] = specials | {"vocab_size": len(vocabulary)} | chosen.get("text_config", {})
    torch.manual_seed(1)
    model = CLIPModel(CLIPConfig(**chosen))
    with torch.no_grad():
        model.logit_scale.fill_(4.6052)
    model.save_pretrained(folder)
    size = model.config.vision_config.image_size
    write_json(
        folder / "preprocessor_config.json",
        {
            "image_processor_type": "CLIPImageProcessor", "do_resize": True, "size": {"shortest_edge": size},
            "resample": 3, "do_center_crop": True, "crop_size": {"height": size, "width": size},
            "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True, "image_mean": OPENAI_MEAN,
            "image_std": OPENAI_STD, "do_convert_rgb": True,
        },
    )  # fmt: skip


def write_clip_tokenizer(folder: Path) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Write tokenizer.json, vocab.json and merges.txt of a CLIPTokenizer -> (token to id, merges in order)."""
    from transformers import CLIPTokenizer

    vocabulary, merges = clip_vocabulary()
    CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=77).save_pretrained(folder)
    write_json(folder / "vocab.json", vocabulary)
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return vocabulary, merges


def clip_vocabulary() -> tuple[dict[str, int], list[tuple[str, str]]]:
    """CLIP's 49,408 tokens where the file is at hand, else a small vocabulary of the same make."""
    if CLIP_VOCABULARY.is_file():
        lines = gzip.decompress(CLIP_VOCABULARY.read_bytes()).decode("utf-8").split("\n")
        merges = [tuple(line.split()) for line in lines[1 : CLIP_MERGES + 1]]
    else:
        merges = _trained_merges()
    symbols = _byte_symbols()
    tokens = [*symbols, *(symbol + "</w>" for symbol in symbols), *("".join(pair) for pair in merges), START, END]
    return {token: number for number, token in enumerate(tokens)}, [(first, second) for first, second in merges]


def write_siglip_checkpoint(folder: Path, *, config: dict[str, Any] | None = None) -> None:
    """Write a transformers SigLIP; config: keyword arguments of SiglipConfig, SMALL_SIGLIP without it."""
    import torch
    from transformers import SiglipConfig, SiglipModel

    folder.mkdir(parents=True, exist_ok=True)
    chosen = {key: dict(value) for key, value in (config or SMALL_SIGLIP).items()}
    chosen["text_config"] = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1} | chosen.get("text_config", {})
    torch.manual_seed(2)
    model = SiglipModel(SiglipConfig(**chosen))
    with torch.no_grad():
        model.logit_scale.fill_(4.6)
        model.logit_bias.fill_(-12.5)
    model.save_pretrained(folder)
    context = model.config.text_config.max_position_embeddings
    write_siglip_tokenizer(folder, context)
    size = model.config.vision_config.image_size
    write_json(
        folder / "preprocessor_config.json",
        {
            "image_processor_type": "SiglipImageProcessor", "do_resize": True,
            "size": {"height": size, "width": size}, "resample": 3, "do_rescale": True, "rescale_factor": 1 / 255,
            "do_normalize": True, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5],
        },
    )  # fmt: skip


def write_siglip_tokenizer(folder: Path, context: int) -> None:
    """A Unigram tokenizer.json made as SigLIP's: lower case, punctuation dropped, `</s>` at the end and as padding."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Lowercase(),
            normalizers.Replace(Regex(r"[!-/:-@\[-`{-~]"), ""),
            normalizers.Replace(Regex(r"\s+"), " "),
            normalizers.Strip(),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=1000, special_tokens=["<unk>", "</s>"], unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(_prose(), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    tokenizer.save(str(folder / "tokenizer.json"))
    write_json(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": context, "eos_token": "</s>",
            "pad_token": "</s>", "unk_token": "<unk>", "model_input_names": ["input_ids"],
        },
    )  # fmt: skip


def write_json(path: Path, data: dict[str, Any]) -> None:
    """Write one JSON file."""
    path.write_text(json.dumps(data, ensure_ascii=False, indent=1), encoding="utf-8")


def _byte_symbols() -> list[str]:
    """The 256 characters that stand for bytes, in CLIP's order: printable ones first, then the shifted rest."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + shift) for shift in range(len(rest))]


def _trained_merges() -> list[tuple[str, str]]:
    """Merges of a byte-pair vocabulary learnt from this repository's own prose."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.Lowercase()
    words = pre_tokenizers.Split(Regex(r"[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"), behavior="removed", invert=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([words, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    trainer = trainers.BpeTrainer(vocab_size=4000, end_of_word_suffix="</w>", show_progress=False)
    tokenizer.train_from_iterator(_prose(), trainer)
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    return [(first, second) for first, second in merges]


def _prose() -> list[str]:
    paths = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("server/demo/*.py")])
    return [line for path in paths for line in path.read_text(encoding="utf-8").splitlines()]


def write_chinese_clip_checkpoint(folder: Path) -> None:
    """Write a small transformers Chinese-CLIP: BERT's text tower, a vocabulary of characters."""
    import torch
    from transformers import ChineseCLIPConfig, ChineseCLIPModel

    folder.mkdir(parents=True, exist_ok=True)
    characters = "的一是不了在人有我红色连衣裙女蓝条纹衬衫手提包abcdefghijklmnopqrstuvwxyz0123456789,.!?"
    pieces = [f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz0123456789"]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *dict.fromkeys(characters), *pieces]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "BertTokenizer", "model_max_length": 512})
    shape = {"hidden_size": 96, "intermediate_size": 192, "num_hidden_layers": 3, "num_attention_heads": 4}
    config = ChineseCLIPConfig(
        projection_dim=64,
        text_config=shape | {"vocab_size": len(vocabulary), "initializer_range": 0.2},
        vision_config=shape | {"image_size": 64, "patch_size": 16},
    )
    torch.manual_seed(3)
    ChineseCLIPModel(config).save_pretrained(folder)
    write_json(
        folder / "preprocessor_config.json",
        {
            "image_processor_type": "ChineseCLIPImageProcessor", "do_resize": True, "do_center_crop": False,
            "size": {"height": 64, "width": 64}, "resample": 3, "do_rescale": True, "rescale_factor": 1 / 255,
            "do_normalize": True, "image_mean": OPENAI_MEAN, "image_std": OPENAI_STD,
        },
    )  # fmt: skip
