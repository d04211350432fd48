"""A stress curve

The same hand over the same subject, with more and more of one factor: electronic noise, then a
faster sweep, whose frames have less speckle in common. Speckle decorrelation is fitted once, on
sweeps without stress. Beside it, the mean motion of those sweeps, which looks at no image: a
tracker that errs more than that has broken. `sweepbench stress` does so for every factor and
tracker, over many subjects and with intervals.
"""

from dataclasses import replace

import numpy as np
from matplotlib import pyplot as plt

from benchmark import make_tracker
from benchmark.metrics import compute
from benchmark.scoring.evaluate import make_case
from simulate.dataset.generate import generate
from simulate.spec import load_spec
from simulate.spec.settings import StressSettings

spec = load_spec("tiny-v2")
spec = replace(spec, showcase=replace(spec.showcase, sweeps=0))
stressed = replace(spec, name="tiny-stress", stress=StressSettings(("noise", "speed"), (1, 3, 5)))
data = generate(stressed, "data/tiny-stress", workers=1)

trackers = [make_tracker("speckle-decorrelation"), make_tracker("training-mean")]
for tracker in trackers:
    tracker.fit(list(data.sweeps("train")))

errors: dict[tuple[str, str], dict[int, float]] = {}
for sweep in data.sweeps("test"):
    factors = {"noise", "speed"} & {sweep.factors["factor"]} or {"noise", "speed"}
    for tracker in trackers:
        case = make_case(sweep, tracker.track(sweep.observe()))
        error = compute(case, ["fdr_path_centre"])["fdr_path_centre"]
        for factor in factors:  # the sweep without stress begins every curve
            errors.setdefault((factor, tracker.name), {})[sweep.factors["severity"]] = error

figure, axes = plt.subplots(1, 2, figsize=(8, 3.4), sharey=True, layout="constrained")
for axis, factor in zip(axes, ("noise", "speed"), strict=True):
    for tracker in trackers:
        points = np.array(sorted(errors[factor, tracker.name].items()))
        axis.plot(*points.T, "o-", label=tracker.name)
    axis.set(title=factor, xlabel="severity")
axes[0].set_ylabel("final drift, % of the path")
axes[0].legend()
figure.savefig("stress_curve.png", dpi=110)
