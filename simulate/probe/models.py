"""Probes by name, for use from Python; a spec gives the numbers of its own."""

from simulate.probe.transducer import Probe

PROBES: dict[str, Probe] = {
    probe.name: probe
    for probe in (
        Probe(),
        Probe(
            name="linear-7.5MHz",
            centre_frequency_hz=7.5e6,
            elements=192,
            pitch_mm=0.2,
            element_height_mm=4.0,
            elevation_focus_mm=18.0,
            transmit_focus_mm=18.0,
        ),
        # An abdominal array with the image of the TUS-REC data: 640 x 480 pixels of 0.229 mm by
        # 0.221 mm, 6 MHz.
        Probe(
            name="curvilinear-6MHz",
            geometry="curvilinear",
            centre_frequency_hz=6.0e6,
            fractional_bandwidth=0.5,
            elements=128,
            pitch_mm=0.48,
            radius_mm=60.0,
            element_height_mm=13.0,
            elevation_focus_mm=60.0,
            transmit_focus_mm=60.0,
            transmit_f_number=3.0,
            f_number=3.0,
            width_px=640,
            height_px=480,
            width_mm=146.58,
            start_depth_mm=-10.85,
            depth_mm=95.0,
        ),
    )
}
