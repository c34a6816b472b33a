"""Which pretrained encoders are tried on a user's texts."""

from collections.abc import Mapping

from helpers import UserError
from helpers.sources.variants import variant
from helpers.sources.weights import resolve

ENGLISH, MANY = "minilm", "e5"
"""What is tried where nothing is named: of texts in Latin letters, and of others."""


def encoders_for(named: str, scripts: Mapping[str, float]) -> tuple[list[str], str]:
    """Return the encoders to try, and why these where the user has named none.

    Args:
        named: names with a blank between; empty leaves the choice to the texts.
        scripts: share of each script among the letters, as
            :class:`helpers.sources.health.Health` has it.

    Raises:
        UserError: a name that is no model.

    >>> encoders_for("minilm minilm:2 minilm", {"CJK": 1.0})
    (['minilm', 'minilm:2'], '')
    >>> encoders_for("", {"LATIN": 0.9, "CJK": 0.1})
    (['minilm'], '')
    """
    encoders = list(dict.fromkeys(named.split()))
    for name in encoders:
        resolve(variant(name).name)
    if encoders or scripts.get("LATIN", 0.0) >= 0.5 or not scripts:
        return encoders or [ENGLISH], ""
    most = max(scripts, key=scripts.__getitem__)
    script = most if most == "CJK" else most.title()
    try:
        resolve(MANY)
    except UserError as error:
        return [ENGLISH], (
            f"Most letters are {script}, which {ENGLISH} was not made for; {MANY}, which reads "
            f"about a hundred languages, could not be had. {error}"
        )
    why = f"Most letters are {script}: {MANY} is tried, which reads about a hundred languages."
    return [MANY], why
