"""Which groups of 20 Newsgroups make a domain: names alone, which every process may import."""

NEWSGROUP_PAIRS: dict[str, tuple[str, str]] = {
    "comp-sci": (
        "comp.graphics comp.os.ms-windows.misc sci.crypt sci.electronics",
        "comp.sys.ibm.pc.hardware comp.sys.mac.hardware comp.windows.x sci.med sci.space",
    ),
    "rec-talk": (
        "rec.autos rec.motorcycles talk.politics.guns talk.politics.misc",
        "rec.sport.baseball rec.sport.hockey talk.politics.mideast talk.religion.misc",
    ),
    "rec-sci": (
        "rec.autos rec.sport.baseball sci.med sci.space",
        "rec.motorcycles rec.sport.hockey sci.crypt sci.electronics",
    ),
    "sci-talk": (
        "sci.electronics sci.med talk.politics.misc talk.religion.misc",
        "sci.crypt sci.space talk.politics.guns talk.politics.mideast",
    ),
    "comp-rec": (
        "comp.graphics comp.sys.ibm.pc.hardware comp.sys.mac.hardware rec.motorcycles "
        "rec.sport.hockey",
        "comp.os.ms-windows.misc comp.windows.x rec.autos rec.sport.baseball",
    ),
    "comp-talk": (
        "comp.graphics comp.sys.mac.hardware comp.windows.x talk.politics.mideast "
        "talk.religion.misc",
        "comp.os.ms-windows.misc comp.sys.ibm.pc.hardware talk.politics.guns talk.politics.misc",
    ),
}
"""Groups of the two domains, source and target. After Dai et al. 2007, *Co-clustering based
classification for out-of-domain documents* (KDD), table 1."""

NEWSGROUP_GRID = {
    "graphics, autos, crypt, guns": "comp.graphics rec.autos sci.crypt talk.politics.guns",
    "windows, motorcycles, electronics, mideast": (
        "comp.os.ms-windows.misc rec.motorcycles sci.electronics talk.politics.mideast"
    ),
    "ibm, baseball, med, politics": (
        "comp.sys.ibm.pc.hardware rec.sport.baseball sci.med talk.politics.misc"
    ),
    "mac, hockey, space, religion": (
        "comp.sys.mac.hardware rec.sport.hockey sci.space talk.religion.misc"
    ),
}
"""Four domains of the four classes comp, rec, sci and talk, one group of each class in each: the
groups in alphabetical order, as this project puts them together."""
