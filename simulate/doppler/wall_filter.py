"""Wall filters: they remove tissue from a slow-time ensemble and keep moving blood.

Sums are taken by einsum: unlike a BLAS, it adds in the same order with any number of threads.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def polynomial_basis(pulses: int, order: int) -> NDArray[np.float64]:
    """Return (pulses, order + 1) orthonormal polynomials in slow time up to an order."""
    time = np.linspace(-1.0, 1.0, pulses)
    basis, _ = np.linalg.qr(np.polynomial.legendre.legvander(time, order))
    return basis


def polynomial_filter(ensemble: NDArray[np.complexfloating], order: int) -> NDArray:
    """Return an ensemble (P, ...) less its least-squares polynomial in slow time.

    S. Bjaerum, H. Torp & K. Kristoffersen, IEEE TUFFC 49 (2002) 204: regression filter. Stationary
    clutter is removed entirely, at any order.
    """
    basis = polynomial_basis(len(ensemble), order).astype(ensemble.real.dtype)
    return ensemble - _explained(basis, ensemble.reshape(len(ensemble), -1)).reshape(ensemble.shape)


def _explained(basis: NDArray, ensemble: NDArray) -> NDArray:
    """Return the part of an ensemble (P, N) that lies in an orthonormal basis (P, K)."""
    return np.einsum("pk,kn->pn", basis, np.einsum("pk,pn->kn", basis.conj(), ensemble))


def polynomial_response(pulses: int, order: int, cycles: NDArray) -> NDArray[np.float64]:
    """Return the mean power (...) of exp(2 pi i cycles n), n the pulse, after the filter.

    1 - sum |B_k|² / P with B_k the transforms of the basis (Bjaerum et al. 2002, eq. 18).
    """
    wave = np.exp(2j * np.pi * np.multiply.outer(np.asarray(cycles), np.arange(pulses)))
    return 1.0 - (np.abs(wave @ polynomial_basis(pulses, order)) ** 2).sum(-1) / pulses


def svd_filter(ensemble: NDArray[np.complexfloating], components: int) -> NDArray:
    """Return an ensemble (P, ...) less its strongest singular components over all pixels.

    C. Demene et al., IEEE TMI 34 (2015) 2271: clutter moves coherently over the image.
    """
    casorati = ensemble.reshape(len(ensemble), -1)
    double = casorati.astype(np.complex128)
    gram = np.einsum("pn,qn->pq", double, double.conj())
    _, vectors = np.linalg.eigh(gram)  # rising
    clutter = vectors[:, len(gram) - components :].astype(casorati.dtype)
    return (casorati - _explained(clutter, casorati)).reshape(ensemble.shape)
