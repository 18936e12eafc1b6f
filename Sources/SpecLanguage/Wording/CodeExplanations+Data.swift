internal import Diagnostics

// MARK: - E150 to E159: what only files know

let dataExplanations = [
  CodeExplanation(
    code: "E150", title: "a network whose images nobody describes",
    text: """
      'idx' and 'npy' have the images' shape and the number of classes in their files: 'network.input' and 'network.classes'
      follow from them (the largest label of the training images and one). Where the files are not there, the spec has to say both.
      """,
    bad: "data: {source: npy, path: photos}\nnetwork: {family: vgg, widths: [8], classes: 3}",
    good: "data: {source: npy, path: photos}\nnetwork: {family: vgg, widths: [8], classes: 3, input: 3x32x32}"
  ),
  CodeExplanation(
    code: "E151", title: "image files that can't become the network's input",
    text: """
      A file is decoded, its shorter side made 'data.image.resize' pixels, and the middle of it cut out, as large as 'network.input':
      grey (1 channel), or red, green and blue (3). The crop can't be larger than what it is cut from, and 'data.image.crop' is the
      side of 'network.input' where both are written.
      """,
    bad:
      "data: {source: image-folder, image: {resize: 200}}\nnetwork: {family: vgg, widths: [8], classes: 3, input: 3x224x224}",
    good:
      "data: {source: image-folder, image: {resize: 256}}\nnetwork: {family: vgg, widths: [8], classes: 3, input: 3x224x224}"
  ),
]
