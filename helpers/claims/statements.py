"""The statements of the document that notebooks give evidence for: `data/claims.yaml`."""

from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from helpers import ROOT, UserError, nearest

CLAIMS = ROOT / "data" / "claims.yaml"


class Claim(BaseModel):
    """One statement: where the document makes it, and what decides whether it holds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    section: str
    statement: str
    rule: str


@cache
def load_claims(path: Path = CLAIMS) -> dict[str, Claim]:
    """Return the claims by id, in the document's order.

    >>> load_claims()["C02"].section
    '1.2, 3.3'
    """
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
        claims = [Claim(**entry) for entry in entries]
    except (OSError, yaml.YAMLError, TypeError, ValidationError) as error:
        raise UserError(f"{path} is no list of claims: {str(error).splitlines()[0]}.") from None
    return {claim.id: claim for claim in claims}


def claim(name: str) -> Claim:
    """Return the claim ``name``; a UserError names the known ones.

    >>> claim("C2")
    Traceback (most recent call last):
    helpers.UserError: There is no claim 'C2' in data/claims.yaml. Did you mean 'C20'?
    """
    claims = load_claims()
    if name not in claims:
        raise UserError(
            f"There is no claim {name!r} in data/claims.yaml.{nearest(str(name), claims)}"
        )
    return claims[name]
