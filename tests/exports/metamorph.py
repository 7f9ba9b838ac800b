"""A multi-dimensional acquisition of MetaMorph: an .nd file, and a file a stage position."""

import tifffile

CHANNEL = "BF"


def write(raw, images):
    labels = ""
    for stage, ((well, field), image) in enumerate(images.items(), start=1):
        tifffile.imwrite(raw / f"x_w1BF_s{stage}_t1.TIF", image, photometric="minisblack")
        labels += f'"Stage{stage}", "{well} site {field}"\n'
    (raw / "x.nd").write_text(
        '"NDInfoFile", Version 2.0\n"Description", cells\n"StartTime1", 20260305 14:30:00\n'
        f'"DoTimelapse", TRUE\n"NTimePoints", 1\n"DoStage", TRUE\n"NStagePositions", {len(images)}\n{labels}'
        '"DoWave", TRUE\n"NWavelengths", 1\n"WaveName1", "BF"\n"WaveDoZ1", FALSE\n"DoZSeries", FALSE\n'
        '"WaveInFileName", TRUE\n"EndFile"\n'
    )
