"""The Hugging Face Hub: data sets and snapshots of weights, from its cache or its network.

Nothing from the hub is ever executed: remote code is not trusted, and of weights only safetensors
are taken.
"""

import re
import socket
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlparse

import datasets
import huggingface_hub
from huggingface_hub import constants, errors

from helpers import UserError

WEIGHT_FILES = ("model.safetensors", "model-*-of-*.safetensors", "model.safetensors.index.json")
_OTHER_FILES = (
    "config.json",
    "generation_config.json",
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab*",
    "merges.txt",
    "*.model",  # sentencepiece
)


def is_id(name: str, *, owner: bool = True) -> bool:
    """Return whether a name has the form of a hub id, ``owner/name``.

    >>> is_id("fancyzhx/ag_news"), is_id("gpt2"), is_id("gpt2", owner=False), is_id("../x")
    (True, False, True, False)
    """
    part = r"[A-Za-z0-9][\w.-]*"
    return re.fullmatch(rf"({part}/){'' if owner else '?'}{part}", name) is not None


def load_dataset(name: str) -> datasets.DatasetDict:
    """Return a data set of the hub, all splits; from the local cache where there is no network.

    Raises:
        UserError: unknown, not to be had without its code or its permission, no network.
    """
    try:
        with _quick_when_offline():
            found = datasets.load_dataset(name)
    except Exception as error:  # the library raises whatever its many layers do
        raise UserError(f"The texts '{name}' {_why(error, 'data set')}") from error
    return found


def snapshot(name: str) -> Path:
    """Return the local folder of a hub model's config, tokenizer and safetensors.

    Raises:
        UserError: unknown, not permitted, or neither cached nor reachable.
    """
    try:
        with _quick_when_offline():
            patterns = [*WEIGHT_FILES, *_OTHER_FILES]
            return Path(huggingface_hub.snapshot_download(name, allow_patterns=patterns))
    except (errors.HfHubHTTPError, errors.LocalEntryNotFoundError, OSError, ValueError) as error:
        raise UserError(f"The weights '{name}' {_why(error, 'model')}") from error


@contextmanager
def _quick_when_offline() -> Iterator[None]:
    """Where the hub's address cannot be reached, use its cache at once.

    The libraries would try six times, half a minute in all, and tell of each on stderr.
    """
    before = constants.HF_HUB_OFFLINE, datasets.config.HF_HUB_OFFLINE
    host = urlparse(constants.ENDPOINT)
    if not any(before) and not urllib.request.getproxies():
        try:
            port = host.port or (80 if host.scheme == "http" else 443)
            socket.create_connection((host.hostname or "", port), timeout=5).close()
        except OSError:
            constants.HF_HUB_OFFLINE = datasets.config.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE, datasets.config.HF_HUB_OFFLINE = before


def _why(error: Exception, what: str) -> str:
    text = f"{type(error).__name__}: {error}"
    status = _status(error)
    if status == 429 or (status or 0) >= 500:
        return f"could not be had: the hub answers with error {status}; try again later."
    if isinstance(error, errors.GatedRepoError) or "is a gated dataset" in text:
        return f"need permission: accept the {what}'s terms on its hub page and log in there."
    if isinstance(error, errors.RepositoryNotFoundError | datasets.exceptions.DatasetNotFoundError):
        if "401" not in text and "404" not in text and "access" not in text:
            return f"were not found: the hub has no such {what} that you may read."
        return f"were not found: there is no such file here, and no such public {what} on the hub."
    network = ("Offline", "Connection", "LocalEntryNotFound", "resolve", "Max retries", "Timeout")
    if any(word in text for word in network):
        return (
            f"are neither a file here nor cached, and the hub cannot be reached: download the "
            f"{what} once with a network, or name one of the catalogue or a local path."
        )
    return f"could not be loaded from the hub: {' '.join(str(error).split())[:300].rstrip('.')}."


def _status(error: BaseException | None) -> int | None:
    """Return the HTTP status that is at the bottom of an error, if one is."""
    while error is not None:
        response = getattr(error, "response", None)
        if response is not None:
            return int(response.status_code)
        error = error.__cause__ or error.__context__
    return None
