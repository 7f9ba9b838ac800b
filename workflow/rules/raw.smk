# Raw images: a folder, or the objects of a store, which Snakemake fetches for the jobs that read them.
# Which objects there are, and which of them a job reads, is known when they are listed and indexed: hence
# checkpoints, of these plates alone.
import importlib.util
import json
import re

from livedead.plates.file_globs import fitting
from livedead.plates.geometry import shard_wells
from livedead.plates.object_stores import can_be_fetched, is_url, objects_at
from livedead.plates.raw_folders import RawFolders
from livedead.readers.located import paths_of

IN_STORES = PLATES.index[PLATES["raw"].map(is_url)]
PLUGIN = "snakemake-storage-plugin-s3"

if len(IN_STORES) and importlib.util.find_spec(PLUGIN.replace("-", "_")) is None:
    raise WorkflowError(
        f"{config['plates']}: plate {IN_STORES[0]} lies in an object store, which Snakemake reads by a "
        f"plugin that is not installed: pip install {PLUGIN}"
    )


def raw_of(plate: str) -> str:
    """The folder of a plate's raw images: its own, or that which its objects are fetched into."""
    path = PLATES.at[plate, "raw"]
    return str(storage.s3(path)) if plate in IN_STORES else in_project(path)


def raw(wildcards) -> str:
    """Parameter function: the same of the job's plate."""
    return raw_of(wildcards.plate)


@functools.cache
def objects(plate: str) -> list[str]:
    """Names of a plate's objects, relative to its place in the store, which plates may share."""
    from botocore.exceptions import BotoCoreError, ClientError  # comes with the plugin

    # The plugin's own list: its pattern matching (0.3.6) refuses every pattern.
    place = storage.s3(PLATES.at[plate, "raw"]).flags["storage_object"]
    try:
        names = [item.key[len(place.key) + 1 :] for item in place.get_subkeys()]
    except (BotoCoreError, ClientError) as error:
        raise WorkflowError(
            f"plate {plate}: {place.query} cannot be listed: {error}; see 'Keys and addresses' in docs/cloud.md"
        ) from error
    if not names:
        raise WorkflowError(
            f"plate {plate}: no object lies below {place.query}; correct 'raw' in {config['plates']}"
        )
    if PLATES.at[plate, "files"]:
        try:
            names = fitting(PLATES.at[plate, "files"], names)
        except LivedeadError as error:
            raise WorkflowError(f"plate {plate}: {error}") from error
    barred = [name for name in names if not can_be_fetched(name)]
    if barred:
        raise WorkflowError(
            f"plate {plate}: objects of these names cannot be fetched: {barred[:3]}; rename them"
        )
    return names


def fetched(plate: str, names: list[str]) -> list[str]:
    """Objects of a plate as inputs."""
    place = PLATES.at[plate, "raw"]
    return [ancient(storage.s3(f"{place}/{name}")) for name in names]


def planes_of(plate: str, channels, wells=None, shard: str | None = None) -> list[str]:
    """What must be there to read some channels of a plate, in some of its wells, in a shard or in all.

    The time stamps of raw images are ignored: their hashes are in images.tsv. Only a new simulated folder
    re-runs the rules that read it, as Snakemake sets its time stamp. An object that is lost is not waited
    for, so that its field fails, as does one whose file is lost.
    """
    path = PLATES.at[plate, "raw"]
    if plate not in IN_STORES:
        return [path if path == SIMULATED.format(plate=plate) else ancient(path)]
    with checkpoints.locate_planes.get(plate=plate).output.planes.open() as stream:
        located = json.load(stream)["wells"]
    if shard is not None:
        wells = shard_wells(located, *map(int, re.findall(r"\d+", shard)))
    paths = paths_of(located, channels, wells or located)
    return fetched(plate, objects_at(objects(plate), paths))


def planes(channels, wells=lambda wildcards: None):
    """Input function: `planes_of` the job's plate, and of its shard if it has one.

    `wells` is a function that lists those to read; none are all.
    """
    return lambda wildcards: planes_of(
        wildcards.plate, channels, wells(wildcards), wildcards.get("scatteritem")
    )


def planes_of_labelled(sheet):
    """Input function: `planes_of` the dyed wells of plates, and of all wells of a plate without any."""

    def chosen(wildcards) -> list[str]:
        return [
            plane
            for plate, dyed in zip(sheet["plate"], sheet["dyed_wells"])
            for plane in planes_of(plate, CHANNELS, dyed)
        ]

    return chosen


def all_files(wildcards) -> list[str]:
    """Input function: every file of the plate."""
    plate = wildcards.plate
    if plate not in IN_STORES:
        return planes_of(plate, [])
    # Asked of the checkpoint only while it has not run: afterwards Snakemake lets an index stand whose
    # objects were lost, and would not if it came from a checkpoint.
    listed = Path(in_project(f"results/{plate}/objects.json"))
    if not listed.exists():
        listed = checkpoints.list_objects.get(plate=plate).output.names
    with listed.open() as stream:
        return fetched(plate, json.load(stream))


RAW_FOLDERS = RawFolders(PLATES.to_dict("index"))


def claims_of_siblings(wildcards, input) -> list[dict]:
    """Parameter function: which files of the plate's raw folder are of other plates.

    It takes `input`, as Snakemake runs no job again for such a parameter: the rows of other plates are
    no news of this one, and the plate of a new row is compared with all others itself.
    """
    return RAW_FOLDERS.siblings(wildcards.plate)


def parted_folders(wildcards=None) -> dict[str, list[dict]]:
    """A plate of each raw folder that plates take parts of -> what all plates claim of the folder."""
    return {
        plate: claims
        for plate, claims in RAW_FOLDERS.parted.items()
        if Path(in_project(PLATES.at[plate, "raw"])).is_dir()
    }
