"""What the headers of TIFF and PNG files add to the planes: pages, sizes and types."""

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd

from livedead.errors import FieldError
from livedead.images.headers import Header, read_header
from livedead.readers.times import stated_clock, with_file_times

log = logging.getLogger(__name__)


def read_headers(raw: Path, planes: pd.DataFrame, threads: int) -> dict[str, Header]:
    """Header of every TIFF or PNG file that has a readable one, by relative path."""
    paths = list(dict.fromkeys(planes["path"][planes["dataset"] == ""]))

    def header(path: str) -> Header | None:
        try:
            return read_header(raw / path)
        except FieldError as error:
            log.warning("%s", error)
            return None

    with ThreadPoolExecutor(threads) as pool:
        found = zip(paths, pool.map(header, paths), strict=True)
        return {path: header for path, header in found if header is not None}


def with_pages(planes: pd.DataFrame, pages: str, headers: dict[str, Header]) -> pd.DataFrame:
    """A row per page of every multi-page TIFF; `pages` is the column that the page's number fills.

    A file that cannot be read stands for as many pages as the others have. Where pages are channels,
    a stack of another length has others in their places. Where they are timepoints, the time of the file
    is that of none of them.
    """
    is_single, is_read = planes["pages"] == 1, planes["path"].isin(headers)
    most = max((header.pages for header in headers.values()), default=1)
    n_pages = planes["path"].map({path: header.pages for path, header in headers.items()})
    counts = n_pages.fillna(most).where(is_single, 1).astype(int)
    problem = planes["problem"].mask(is_single & ~is_read & (planes["problem"] == ""), "unreadable")
    if pages == "channel":
        is_other = counts.between(1, most, inclusive="neither")
        problem = problem.mask(is_other & (problem == ""), "missing_plane")
    repeated = planes.assign(problem=problem).loc[planes.index.repeat(counts)]
    stack = repeated.groupby(level=0)
    page, many = stack.cumcount(), counts.loc[repeated.index]
    number = (page + 1).astype(str) if pages == "channel" else page + 1
    several = many > 1
    hours = repeated["hours"].mask(several) if pages == "timepoint" else repeated["hours"]
    return repeated.assign(
        **{
            "pages": repeated["pages"].where(~several, many),
            "page": repeated["page"].where(~several, page),
            pages: repeated[pages].where(~several, number),
            "hours": hours,
        }
    ).reset_index(drop=True)


def with_headers(planes: pd.DataFrame, headers: dict[str, Header]) -> pd.DataFrame:
    """The planes with height, width and type of the files whose headers were read, and with their times.

    The column ``header_pixel_um`` is new: the side of a pixel after the header, NaN where it is silent.
    """
    has = planes["path"].isin(headers) & (planes["problem"] != "missing_plane")
    known = {
        name: [
            getattr(headers[path], name) if is_known else value
            for path, is_known, value in zip(planes["path"], has, planes[name], strict=True)
        ]
        for name in ("height", "width", "dtype")
    }
    sizes = {path: header.pixel_size_um for path, header in headers.items()}
    clocks = {path: stated_clock(header.taken) for path, header in headers.items() if header.pages == 1}
    return with_file_times(
        planes.assign(**known, header_pixel_um=planes["path"].map(sizes).astype(float)),
        planes["path"].map(clocks).astype(float),
    )
