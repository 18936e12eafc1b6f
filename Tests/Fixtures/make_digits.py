"""Writes Sources/Datasets/Resources/digits.bin, the hand-written digits that are built in.

Needs scikit-learn: python3 Tests/Fixtures/make_digits.py

Layout: 1,797 images of 40 bytes, in scikit-learn's order: 64 pixels of 5 bits (0 to 16), row by row, the first pixel
in the lowest bits of the first byte; then 899 bytes of labels, 4 bits each, the first in the low half.
"""

from pathlib import Path

from sklearn.datasets import load_digits

IMAGES = 1797


def pack(values, width):
    bits = 0
    for place, value in enumerate(values):
        assert 0 <= value < 1 << width
        bits |= value << (place * width)
    return bits.to_bytes((len(values) * width + 7) // 8, "little")


digits = load_digits()
images = [[int(pixel) for pixel in image.ravel()] for image in digits.images]
labels = [int(label) for label in digits.target]
assert len(images) == len(labels) == IMAGES
assert {pixel for image in images for pixel in image} == set(range(17))

packed = b"".join(pack(image, 5) for image in images) + pack(labels, 4)
target = Path(__file__).resolve().parents[2] / "Sources/Datasets/Resources/digits.bin"
target.write_bytes(packed)

# What the tests hold against the decoded images.
train = [i for i in range(IMAGES) if i % 5 != 0]
values = [pixel / 16 for i in train for pixel in images[i]]
mean = sum(values) / len(values)
deviation = (sum((value - mean) ** 2 for value in values) / len(values)) ** 0.5
print(f"{len(packed)} bytes; {len(train)} train, {IMAGES - len(train)} test; mean {mean:.6f}, deviation {deviation:.6f}")
print("sum of all pixels", sum(map(sum, images)), "labels of the first ten", labels[:10])
print("test images a class", [sum(labels[i] == c for i in range(0, IMAGES, 5)) for c in range(10)])
