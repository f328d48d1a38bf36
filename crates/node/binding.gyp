# node-gyp has nothing to compile here: the addon is Rust. The target hands the build to cargo, so that prebuildify can drive it.
{
  "targets": [
    {
      "target_name": "aingle_wasm",
      "type": "none",
      "actions": [
        {
          "action_name": "build_addon",
          "inputs": [],
          "outputs": ["<(PRODUCT_DIR)/aingle_wasm.node"],
          "action": ["node", "../../scripts/build-native.mjs", "<(PRODUCT_DIR)"]
        }
      ]
    }
  ]
}
