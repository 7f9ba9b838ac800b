"""OME-Zarr plates and images, written with ``zarr`` as the specification says (ngff.openmicroscopy.org)."""

import zarr

UNITS = {"t": "minute", "c": None, "z": "micrometer", "y": "micrometer", "x": "micrometer"}
SCALE = {"t": 30.0, "c": 1.0, "z": 2.0, "y": 0.65, "x": 0.65}
_TYPES = {"t": "time", "c": "channel", "z": "space", "y": "space", "x": "space"}


def say(group, version, content):
    """Write OME metadata: beside each other in Zarr v2, under ``ome`` in v3."""
    if version == "0.4":
        group.attrs.update(content)
    else:
        group.attrs["ome"] = {"version": version, **content}


def open_group(path, version="0.5"):
    """A new Zarr of the format that the OME-Zarr version takes."""
    return zarr.open_group(path, mode="w", zarr_format=2 if version == "0.4" else 3)


def multiscales(axes, version="0.5", scale=SCALE, units=UNITS, path="0", **more):
    """The metadata of an image."""
    one = {
        "axes": [
            {"name": a, "type": _TYPES.get(a, a)} | ({"unit": units[a]} if units.get(a) else {}) for a in axes
        ],
        "datasets": [
            {
                "path": path,
                "coordinateTransformations": [{"type": "scale", "scale": [scale.get(a, 1.0) for a in axes]}],
            }
        ],
        **({"version": "0.4"} if version == "0.4" else {}),
        **more,
    }
    return [one]


def write_image(group, pixels, axes, version="0.5", labels=None, path="0", **options):
    """An image of one resolution; `options` are those of the array."""
    omero = {} if labels is None else {"omero": {"channels": [{"label": label} for label in labels]}}
    say(group, version, {"multiscales": multiscales(axes, version, path=path), **omero})
    array = group.create_array(
        path, shape=pixels.shape, dtype=pixels.dtype, **{"chunks": pixels.shape, **options}
    )
    array[...] = pixels
    return array


def write_plate(path, images, axes, version="0.5", labels=None, acquisitions=None, **options):
    """A plate of `images`, path (``B/03/0``) -> pixels, which lists only the rows and columns it has."""
    root = open_group(path, version)
    wells = list(dict.fromkeys(image.rpartition("/")[0] for image in images))
    rows, columns = (sorted({well.split("/")[k] for well in wells}) for k in (0, 1))
    plate = {
        "rows": [{"name": row} for row in rows],
        "columns": [{"name": column} for column in columns],
        "wells": [
            {"path": f"{row}/{column}", "rowIndex": rows.index(row), "columnIndex": columns.index(column)}
            for row, column in (well.split("/") for well in wells)
        ],
        "version": version,
    }
    numbers = acquisitions or {}
    if numbers:
        plate["acquisitions"] = [{"id": n, "name": f"day {n}"} for n in sorted(set(numbers.values()))]
    say(root, version, {"plate": plate})
    for well in wells:
        group = root.create_group(well)
        own = [image.rpartition("/")[2] for image in images if image.startswith(f"{well}/")]
        listed = [{"path": n} | ({"acquisition": numbers[n]} if n in numbers else {}) for n in own]
        say(group, version, {"well": {"images": listed, "version": version}})
        for n in own:
            write_image(group.create_group(n), images[f"{well}/{n}"], axes, version, labels, **options)
    return root
