"""Trackers compared, with intervals

Each tracker of the kept results beside `moglo-long`: mean difference of local error over the test
subjects, with its 95 % interval. The unit is the subject, and the seed of training is a second
source of chance. Two trackers differ, taken by themselves, where the interval leaves zero out.
"""

from pathlib import Path

from matplotlib import pyplot as plt

from benchmark import read_results
from benchmark.scoring.statistics import paired_difference

METRIC, REFERENCE = "lpe", "moglo-long"
RESULTS = Path(__file__).parents[1] / "results"

folder = sorted(RESULTS.glob("small-v*"))[-1]
table = read_results(folder)
scores = {
    name: rows.pivot_table(index="seed", columns="sweep", values=METRIC, dropna=False)
    for name, rows in table.fillna({"seed": 0}).groupby("tracker")
}
subject = table.drop_duplicates("sweep").set_index("sweep").subject
sweeps = scores[REFERENCE].columns

found = {
    name: paired_difference(
        rows[sweeps].to_numpy(), scores[REFERENCE].to_numpy(), list(subject[sweeps])
    )
    for name, rows in scores.items()
    if name != REFERENCE
}
found = dict(sorted(found.items(), key=lambda item: -item[1]["mean"]))

figure, axis = plt.subplots(figsize=(8, 4.6), layout="constrained")
for row, difference in enumerate(found.values()):
    low, high = difference["low"], difference["high"]
    colour = "C0" if low > 0 or high < 0 else "0.6"
    axis.plot([low, high], [row, row], color=colour, linewidth=3)
    axis.plot(difference["mean"], row, "o", color=colour)
axis.axvline(0, color="0.3", linewidth=0.8)
axis.set_yticks(range(len(found)), list(found))
axis.set(xlabel=f"local error less that of {REFERENCE}, mm", title=f"{folder.name}, test split")
figure.savefig("comparison.png", dpi=110)
