internal import Diagnostics

// MARK: - E150: what only files know

let dataExplanations = [
  CodeExplanation(
    code: "E150", title: "a network whose images nobody describes",
    text: """
      'idx' and 'npy' have the images' shape and the number of classes in their files: 'network.input' and 'network.classes'
      follow from them (the largest label of the training images and one). Where the files are not there, the spec has to say both.
      """,
    bad: "data: {source: npy, path: photos}\nnetwork: {family: vgg, widths: [8], classes: 3}",
    good: "data: {source: npy, path: photos}\nnetwork: {family: vgg, widths: [8], classes: 3, input: 3x32x32}"
  )
]
