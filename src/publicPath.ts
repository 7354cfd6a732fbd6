// Chunks and .wasm files are loaded from the folder of the module that needs them,
// wherever Grafana got it from: a sub-path, a CDN, or the app's own folder.
import amdModule from 'amd-module';

const address = amdModule?.uri?.split(/[?#]/, 1)[0];

__webpack_public_path__ = address ? address.slice(0, address.lastIndexOf('/') + 1) : PLUGIN_PUBLIC_PATH;
