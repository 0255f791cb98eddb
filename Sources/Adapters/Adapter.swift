/// A file that somebody who attaches a kernel starts from, embedded so that the binary needs no files.
public enum Adapter: String, CaseIterable, Sendable {
  /// The module that makes Python functions a subject.
  case python
  /// An annotated kernel in C.
  case c
  /// An annotated kernel in Swift.
  case swift
  /// The C ABI of kernels.
  case header
  /// PyTorch as a subject.
  case pytorch
  /// ONNX Runtime as a subject.
  case onnxruntime

  /// What the file is called where others refer to it.
  public var fileName: String {
    switch self {
    case .python: "qverify_adapter.py"
    case .c: "example_kernel.c"
    case .swift: "example_kernel.swift"
    case .header: "qverify_kernel.h"
    case .pytorch: "pytorch_subject.py"
    case .onnxruntime: "onnxruntime_subject.py"
    }
  }

  /// The file.
  public var bytes: [UInt8] {
    switch self {
    case .python: PackageResources.qverify_adapter_py
    case .c: PackageResources.example_kernel_c
    case .swift: PackageResources.example_kernel_swift
    case .header: PackageResources.qverify_kernel_h
    case .pytorch: PackageResources.pytorch_subject_py
    case .onnxruntime: PackageResources.onnxruntime_subject_py
    }
  }
}
