"""Makes the image files of this folder, and `expected.txt`: what Pillow makes of each.

A line of `expected.txt`: the file, channels, the shorter side before the crop, the crop's width and height, and its bytes in hexadecimal,
as torchvision's Resize (bilinear, antialiased) and CenterCrop leave them. A line that begins with `box`: left, top, width and height of
a box that is resized alone, as torchvision's RandomResizedCrop does it.

    python3 make_images.py      (numpy and Pillow)

Pillow from 13 on mixes rows before columns where an image loses far more rows than columns; the sizes here are such that all its
releases do the same.
"""

import struct
import zlib

import numpy as np
from PIL import Image

rng = np.random.default_rng(20)


def picture(width, height):
    """Gradients, discs and a little noise: something for a filter to do."""
    y, x = np.mgrid[0:height, 0:width].astype(float)
    planes = []
    for phase in range(3):
        plane = 128 + 90 * np.sin(x / (5 + 3 * phase) + phase) * np.cos(y / (7 - phase))
        cx, cy, r = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(6, 20)
        plane[(x - cx) ** 2 + (y - cy) ** 2 < r * r] = rng.uniform(0, 255)
        planes.append(plane + rng.normal(0, 6, plane.shape))
    return Image.fromarray(np.clip(np.stack(planes, 2), 0, 255).astype(np.uint8))


def png16(path, array):
    height, width, _ = array.shape
    rows = b"".join(b"\0" + array[y].astype(">u2").tobytes() for y in range(height))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    with open(path, "wb") as file:
        file.write(
            b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
        )


def make():
    a, b = picture(61, 47), picture(40, 66)
    a.save("plain.jpg", quality=90)
    b.save("tall.jpg", quality=75)
    a.save("progressive.jpg", progressive=True)
    a.save("full-chroma.jpg", subsampling=0, quality=95)
    a.convert("L").save("grey.jpg")
    a.convert("CMYK").save("cmyk.jpg")
    exif = Image.Exif()
    exif[0x112] = 6
    a.save("exif.jpg", exif=exif)
    a.save("plain.png")
    b.save("tall.png")
    a.quantize(16).save("palette.png")
    a.convert("L").save("grey.png")
    a.convert("1").save("one-bit.png")
    a.convert("LA").save("grey-alpha.png")
    Image.merge("RGBA", (*a.split(), Image.linear_gradient("L").resize(a.size))).save("alpha.png")
    png16("sixteen-bit.png", np.asarray(a).astype(np.uint16) * 257)
    picture(7, 5).save("tiny.png")
    data = open("plain.jpg", "rb").read()
    open("truncated.jpg", "wb").write(data[: len(data) // 2])
    open("header-alone.jpg", "wb").write(data[:100])
    broken = bytearray(data)
    broken[len(data) // 2 : len(data) // 2 + 8] = b"\xff\xd9" + rng.bytes(6)
    open("corrupt.jpg", "wb").write(bytes(broken))
    data = open("plain.png", "rb").read()
    open("truncated.png", "wb").write(data[: len(data) // 2])
    broken = bytearray(data)
    broken[len(data) // 2] ^= 255
    open("corrupt.png", "wb").write(bytes(broken))
    open("png-named.jpg", "wb").write(data)


def resize(image, size):
    """torchvision.transforms.functional.resize of the shorter side."""
    width, height = image.size
    short, long = min(width, height), max(width, height)
    if short == size:
        return image
    new_long = int(size * long / short)
    return image.resize((size, new_long) if width <= height else (new_long, size), Image.BILINEAR)


def center_crop(image, width, height):
    """torchvision.transforms.functional.center_crop of an image that is large enough."""
    left, top = int(round((image.width - width) / 2.0)), int(round((image.height - height) / 2.0))
    return image.crop((left, top, left + width, top + height))


def opened(name, channels):
    return Image.open(name).convert("RGB" if channels == 3 else "L")


whole = [
    "plain.jpg", "tall.jpg", "progressive.jpg", "full-chroma.jpg", "grey.jpg", "cmyk.jpg", "exif.jpg", "plain.png",
    "tall.png", "palette.png", "grey.png", "one-bit.png", "grey-alpha.png", "alpha.png", "sixteen-bit.png", "tiny.png",
    "png-named.jpg",
]
transforms = [(3, 20, 18, 18), (1, 13, 11, 8), (3, 64, 60, 64)]
boxes = [("plain.jpg", 3, (5, 3, 31, 40), 16, 16), ("tall.png", 3, (0, 17, 40, 30), 20, 16), ("plain.png", 1, (60, 0, 1, 1), 8, 8)]


def main():
    make()
    with open("expected.txt", "w") as file:
        for name in whole:
            for channels, size, width, height in transforms:
                if (channels, size) != (3, 20) and name not in ("plain.jpg", "tall.jpg", "alpha.png", "tiny.png", "grey.png"):
                    continue
                image = center_crop(resize(opened(name, channels), size), width, height)
                print("center", name, channels, size, width, height, image.tobytes().hex(), file=file)
        for name, channels, (left, top, w, h), width, height in boxes:
            image = opened(name, channels).crop((left, top, left + w, top + h)).resize((width, height), Image.BILINEAR)
            print("box", name, channels, left, top, w, h, width, height, image.tobytes().hex(), file=file)


main()
