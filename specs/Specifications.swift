/// The machine-read semantics, embedded in the binary.
///
/// `dialects/` holds one file a dialect; a test checks that this list and the folder agree.
public enum Specifications {
  /// The name and the text of each built-in dialect, in the order in which they are listed.
  public static let dialects: [(name: String, bytes: [UInt8])] = [
    ("ideal", PackageResources.ideal_yaml),
    ("onnx", PackageResources.onnx_yaml),
    ("onnx-reference", PackageResources.onnx_reference_yaml),
    ("pytorch", PackageResources.pytorch_yaml),
    ("pytorch-export", PackageResources.pytorch_export_yaml),
    ("fbgemm", PackageResources.fbgemm_yaml),
    ("qnnpack", PackageResources.qnnpack_yaml),
    ("onednn", PackageResources.onednn_yaml),
    ("tflite", PackageResources.tflite_yaml),
    ("tflite-opt", PackageResources.tflite_opt_yaml),
    ("tflite-single", PackageResources.tflite_single_yaml),
    ("tflite-away", PackageResources.tflite_away_yaml),
    ("xnnpack-fp32", PackageResources.xnnpack_fp32_yaml),
    ("xnnpack-rndnu", PackageResources.xnnpack_rndnu_yaml),
    ("xnnpack-rndna", PackageResources.xnnpack_rndna_yaml),
    ("xnnpack-gemmlowp", PackageResources.xnnpack_gemmlowp_yaml),
    ("cmsis-nn", PackageResources.cmsis_nn_yaml),
    ("cmsis-nn-single", PackageResources.cmsis_nn_single_yaml),
    ("tosa-single", PackageResources.tosa_single_yaml),
    ("tosa-double", PackageResources.tosa_double_yaml),
    ("tosa-inexact", PackageResources.tosa_inexact_yaml),
    ("openvino", PackageResources.openvino_yaml),
    ("qonnx", PackageResources.qonnx_yaml),
    ("qonnx-python", PackageResources.qonnx_python_yaml),
    ("brevitas", PackageResources.brevitas_yaml),
    ("ap_fixed", PackageResources.ap_fixed_yaml),
  ]
}
