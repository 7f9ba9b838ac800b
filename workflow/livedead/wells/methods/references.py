"""What to cite: the papers that the methods of a run come from."""

import re

_PAPERS = """
Donner 1986
    Donner A (1986). A review of inference procedures for the intraclass correlation coefficient in the
    one-way random effects model. Int Stat Rev 54:67-82. https://doi.org/10.2307/1403259
Gundersen 1977
    Gundersen HJG (1977). Notes on the estimation of the numerical density of arbitrary profiles: the
    edge effect. J Microsc 111:219-223. https://doi.org/10.1111/j.1365-2818.1977.tb00062.x
Harris et al. 2020
    Harris CR, Millman KJ, van der Walt SJ, et al. (2020). Array programming with NumPy. Nature
    585:357-362. https://doi.org/10.1038/s41586-020-2649-2
Keys 1981
    Keys R (1981). Cubic convolution interpolation for digital image processing. IEEE Trans Acoust
    Speech Signal Process 29:1153-1160. https://doi.org/10.1109/TASSP.1981.1163711
Lang & Reiczigel 2014
    Lang Z, Reiczigel J (2014). Confidence limits for prevalence of disease adjusted for estimated
    sensitivity and specificity. Prev Vet Med 113:13-22. https://doi.org/10.1016/j.prevetmed.2013.09.015
Lord et al. 2020
    Lord SJ, Velle KB, Mullins RD, Fritz-Laylin LK (2020). SuperPlots: communicating reproducibility and
    variability in cell biology. J Cell Biol 219:e202001064. https://doi.org/10.1083/jcb.202001064
Meyer & Beucher 1990
    Meyer F, Beucher S (1990). Morphological segmentation. J Vis Commun Image Represent 1:21-46.
    https://doi.org/10.1016/1047-3203(90)90014-M
Mölder et al. 2021
    Mölder F, Jablonski KP, Letcher B, et al. (2021). Sustainable data analysis with Snakemake.
    F1000Research 10:33. https://doi.org/10.12688/f1000research.29032.2
Otsu 1979
    Otsu N (1979). A threshold selection method from gray-level histograms. IEEE Trans Syst Man Cybern
    9:62-66. https://doi.org/10.1109/TSMC.1979.4310076
Paszke et al. 2019
    Paszke A, Gross S, Massa F, et al. (2019). PyTorch: an imperative style, high-performance deep
    learning library. Adv Neural Inf Process Syst 32:8024-8035. https://arxiv.org/abs/1912.01703
Platt 1999
    Platt JC (1999). Probabilistic outputs for support vector machines and comparisons to regularized
    likelihood methods. In: Advances in Large Margin Classifiers, MIT Press, 61-74
Rogan & Gladen 1978
    Rogan WJ, Gladen B (1978). Estimating prevalence from the results of a screening test. Am J
    Epidemiol 107:71-76. https://doi.org/10.1093/oxfordjournals.aje.a112510
Ronneberger et al. 2015
    Ronneberger O, Fischer P, Brox T (2015). U-Net: convolutional networks for biomedical image
    segmentation. MICCAI 2015, LNCS 9351:234-241. https://doi.org/10.1007/978-3-319-24574-4_28
Sandler et al. 2018
    Sandler M, Howard A, Zhu M, Zhmoginov A, Chen LC (2018). MobileNetV2: inverted residuals and linear
    bottlenecks. CVPR 2018, 4510-4520. https://doi.org/10.1109/CVPR.2018.00474
Venzon & Moolgavkar 1988
    Venzon DJ, Moolgavkar SH (1988). A method for computing profile-likelihood-based confidence
    intervals. Appl Stat 37:87-94. https://doi.org/10.2307/2347496
Wilson 1927
    Wilson EB (1927). Probable inference, the law of succession, and statistical inference. J Am Stat
    Assoc 22:209-212. https://doi.org/10.2307/2276774
Zhang et al. 1999
    Zhang JH, Chung TDY, Oldenburg KR (1999). A simple statistical parameter for use in evaluation and
    validation of high throughput screening assays. J Biomol Screen 4:67-73.
    https://doi.org/10.1177/108705719900400206
"""

REFERENCES = {
    short: " ".join(full.split())
    for short, full in re.findall(r"^(\S.*)\n((?: +.*\n)+)", _PAPERS, re.MULTILINE)
}
"""As a text cites it -> in full."""


def cited(text: str) -> list[str]:
    """The references that a text cites, in full, in the order of their authors."""
    return [full for short, full in REFERENCES.items() if short in text]
