"""How the numbers of a run were made, in the words of a paper's methods section.

Each sentence is a function of the run. One that has nothing to tell gives no text, so that no sentence is
about what was not done.
"""

from collections.abc import Callable, Mapping, Sequence

from livedead.wells.methods import counting, images, reading, statistics
from livedead.wells.methods.references import cited
from livedead.wells.methods.run import Run


def write_methods(run: Run) -> str:
    """The methods of a run: paragraphs in Markdown, then what they cite."""
    paragraphs = {
        heading: " ".join(filter(None, (sentence(run) for sentence in sentences)))
        for heading, sentences in PARAGRAPHS.items()
    }
    text = "\n\n".join(f"**{heading}.** {told}" for heading, told in paragraphs.items() if told)
    references = "\n".join(f"- {reference}" for reference in [_own_reference(run), *cited(text)])
    return f"# Methods\n\n{text}\n\n## References\n\n{references}\n"


SOFTWARE = {
    "snakemake": "Snakemake {} (Mölder et al. 2021)",
    "python": "Python {}",
    "torch": "PyTorch {} (Paszke et al. 2019)",
    "numpy": "NumPy {} (Harris et al. 2020)",
}


def _software(run: Run) -> str:
    # Each rule may have an environment of its own: what segmented tells its own version of PyTorch.
    shards = [shard for plate in run.provenance["plates"].values() for shard in plate["shards"].values()]
    torch = ", ".join(sorted({str(shard["torch"]) for shard in shards if shard.get("torch")}))
    versions = {**run.provenance["packages"], "torch": torch}
    told = [words.format(versions[name]) for name, words in SOFTWARE.items() if versions.get(name)]
    return f"livedead {run.provenance['version']} ran with {', '.join(told)}."


def _record(run: Run) -> str:
    return "All settings, versions and hashes of inputs are in results/provenance.json."


Sentence = Callable[[Run], str]
PARAGRAPHS: dict[str, Sequence[Sentence]] = {
    "Images": (images.images, images.failed, images.excluded),
    "Normalization": (images.illumination, images.background, images.own_light, images.counts_range),
    "Reading": (reading.network, reading.resampled, reading.calibration, reading.dyes),
    "Counting": (
        counting.cells,
        counting.state,
        counting.ambiguous,
        counting.areas,
        counting.splitting,
        counting.clumps,
        counting.context,
        counting.edge,
        counting.by_hand,
        counting.viability,
    ),
    "Statistics": (
        statistics.audit,
        statistics.intervals,
        statistics.z_prime,
        statistics.replicates,
        statistics.doses,
    ),
    "Software": (_software, _record),
}
"""Heading -> its sentences, in their order."""


def _own_reference(run: Run) -> str:
    citation = run.citation
    authors = ", ".join(author.get("name") or _person(author) for author in citation["authors"])
    place = "".join(f". {citation[key]}" for key in ("doi", "repository-code", "url") if key in citation)
    year = str(citation["date-released"])[:4]
    return f"{authors} ({year}). {citation['title']}. Version {run.provenance['version']}{place}"


def _person(author: Mapping[str, str]) -> str:
    return f"{author['family-names']} {author['given-names'][0]}"
