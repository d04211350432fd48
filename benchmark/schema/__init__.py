"""What a JSON file must hold, as tables; its faults as lines. Nothing of the benchmark is used."""
