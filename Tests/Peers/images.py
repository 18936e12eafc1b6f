"""Strata's image files beside torchvision's: the same bytes, and images a second on one core, sides in turns.

    python3 Tests/Peers/images.py FOLDER [--turns N]

FOLDER has JPEG and PNG files, or is made: 500 of them, of uneven sizes, from the images that scikit-image comes with or from noise. Needs
torch, torchvision and Pillow; builds the tests.
"""

import argparse
import os
import re
import subprocess
import sys
import time

import numpy as np
from PIL import Image


def make(folder, count=500):
    rng = np.random.default_rng(1)
    os.makedirs(folder)
    for index in range(count):
        width, height = (500, 375) if index % 10 < 7 else (375, 500)
        small = rng.integers(0, 256, (height // 25, width // 25, 3), dtype=np.uint8)
        image = Image.fromarray(small).resize((width - index % 60, height - index % 40), Image.BICUBIC)
        noise = rng.normal(0, 8, (image.height, image.width, 3))
        image = Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))
        if index % 25 == 3:
            image = image.convert("L")
        if index % 20 == 7:
            image.save(f"{folder}/{index:04}.png")
        else:
            image.save(f"{folder}/{index:04}.jpg", quality=60 + index % 36)


def ours(folder):
    environment = dict(os.environ, STRATA_PEER_IMAGES=os.path.abspath(folder))
    done = subprocess.run(
        # Images are decoded by optimised code in any build.
        ["swift", "test", "--disable-xctest", "--filter", "ImagePeerTests"],
        env=environment, capture_output=True, text=True)
    found = re.search(r"peer: (\d+) images/s resized and cut, (\d+) as random boxes", done.stdout)
    if not found:
        sys.exit(done.stdout[-2000:] + done.stderr[-2000:])
    return int(found[1]), int(found[2])


def theirs(folder, names, transform):
    """ImageFolder's way with a file: opened, converted, transformed, made a tensor of bytes."""
    from torchvision.transforms.functional import pil_to_tensor

    start = time.perf_counter()
    for name in names:
        with open(f"{folder}/{name}", "rb") as file:
            pil_to_tensor(transform(Image.open(file).convert("RGB")))
    return len(names) / (time.perf_counter() - start)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--turns", type=int, default=3)
    arguments = parser.parse_args()
    import torch
    from torchvision import transforms

    torch.set_num_threads(1)
    if not os.path.isdir(arguments.folder):
        make(arguments.folder)
    names = sorted(n for n in os.listdir(arguments.folder) if n.endswith((".jpg", ".png")))
    center = transforms.Compose([transforms.Resize(256), transforms.CenterCrop(224)])
    random = transforms.RandomResizedCrop(224)
    figures = []
    for _ in range(arguments.turns):
        figures.append((*ours(arguments.folder), theirs(arguments.folder, names, center), theirs(arguments.folder, names, random)))
    crops = np.fromfile(f"{arguments.folder}/crops.raw", dtype=np.uint8).reshape(len(names), 224, 224, 3)
    equal = sum(
        np.array_equal(np.asarray(center(Image.open(f"{arguments.folder}/{name}").convert("RGB"))), crop)
        for name, crop in zip(names, crops))
    print(f"{equal} of {len(names)} equal to the byte")
    middle = [sorted(column)[len(figures) // 2] for column in zip(*figures)]
    print(f"resize 256, crop 224: {middle[0]:.0f} against {middle[2]:.0f} images/s, {middle[0] / middle[2]:.2f} times")
    print(f"random resized crop:  {middle[1]:.0f} against {middle[3]:.0f} images/s, {middle[1] / middle[3]:.2f} times")


main()
