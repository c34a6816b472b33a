"""A tokenizer whose tokens are characters, as Chinese BERT models use.

Chinese is written without spaces, and most characters carry meaning of their own; so
``bert-base-chinese`` takes each for a token (Devlin et al. 2019, its multilingual release). A label
for each character, as in named entities, then needs no alignment.
"""

from collections.abc import Iterable

from tokenizers import (
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import PreTrainedTokenizerFast

from helpers import UserError
from helpers.tasks.bytepairs import with_characters

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def train_characters(
    texts: Iterable[str], vocabulary: int, *, positions: int = 512
) -> PreTrainedTokenizerFast:
    """Return a tokenizer that knows the most frequent characters of ``texts``.

    Characters are first brought to their plain form (NFKC: full-width １ becomes 1). Unlike byte
    pairs, a character that the texts do not have is unknown: all such become ``[UNK]``.

    Args:
        texts: what to learn from: the training split, never the held-out ones.
        vocabulary: tokens in all, the five special ones included; fewer where the texts have fewer.
        positions: the longest row that the models will take; only a warning depends on it.

    Raises:
        UserError: ``vocabulary`` is below 6, or no text has a character.

    >>> tokenizer = train_characters(["江泽民在北京", "１９９８年"], vocabulary=100)
    >>> tokenizer.tokenize("北京1998年")
    ['北', '京', '1', '9', '9', '8', '年']
    >>> tokenizer.decode(tokenizer("北海")["input_ids"])
    '[CLS]北[UNK][SEP]'
    """
    if vocabulary <= len(SPECIAL):
        raise UserError(
            f"vocabulary must be at least {len(SPECIAL) + 1} ({len(SPECIAL)} special tokens and a "
            f"character), not {vocabulary}."
        )
    texts = with_characters(texts)
    core = Tokenizer(models.WordLevel(unk_token="[UNK]"))  # noqa: S106 - a token, no password
    core.normalizer = normalizers.NFKC()
    core.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    core.decoder = decoders.Fuse()
    core.train_from_iterator(
        texts,
        trainers.WordLevelTrainer(
            vocab_size=vocabulary, special_tokens=SPECIAL, show_progress=False
        ),
    )
    first, last = SPECIAL.index("[CLS]"), SPECIAL.index("[SEP]")
    core.post_processor = processors.BertProcessing(("[SEP]", last), ("[CLS]", first))
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token="[PAD]",  # noqa: S106 - a token, no password
        unk_token="[UNK]",  # noqa: S106
        cls_token="[CLS]",  # noqa: S106
        sep_token="[SEP]",  # noqa: S106
        mask_token="[MASK]",  # noqa: S106
        model_max_length=positions,
        clean_up_tokenization_spaces=False,
    )
