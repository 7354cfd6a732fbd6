// The modules that Grafana provides to plugins, under the same names.
import * as emotionCss from '@emotion/css';
import * as emotionReact from '@emotion/react';
import * as grafanaData from '@grafana/data';
import * as grafanaDataUnstable from '@grafana/data/unstable';
import * as grafanaRuntime from '@grafana/runtime';
import * as grafanaRuntimeUnstable from '@grafana/runtime/unstable';
import * as grafanaUi from '@grafana/ui';
import * as grafanaUiUnstable from '@grafana/ui/unstable';
import * as d3 from 'd3';
import i18next from 'i18next';
import lodash from 'lodash';
// eslint-disable-next-line no-restricted-imports -- plugins ask for it under this name
import moment from 'moment';
import prismjs from 'prismjs';
import * as react from 'react';
import * as reactDom from 'react-dom';
import * as reactInlineSvg from 'react-inlinesvg';
import * as reactJsxRuntime from 'react/jsx-runtime';
import * as reactRouter from 'react-router-dom';
import * as rxjs from 'rxjs';
import * as rxjsOperators from 'rxjs/operators';
import * as slate from 'slate';
import * as slateReact from 'slate-react';

/** A CommonJS module in the form that SystemJS passes to AMD code. */
function whole(module: object): object {
  return { ...module, default: module, __useDefault: true };
}

export const sharedModules: Record<string, object> = {
  '@emotion/css': emotionCss,
  '@emotion/react': emotionReact,
  '@grafana/data': grafanaData,
  '@grafana/data/unstable': grafanaDataUnstable,
  '@grafana/runtime': grafanaRuntime,
  '@grafana/runtime/unstable': grafanaRuntimeUnstable,
  '@grafana/ui': grafanaUi,
  '@grafana/ui/unstable': grafanaUiUnstable,
  d3,
  emotion: emotionCss,
  i18next: whole(i18next),
  lodash: whole(lodash),
  moment: whole(moment),
  prismjs: whole(prismjs),
  react,
  'react-dom': reactDom,
  'react-inlinesvg': reactInlineSvg,
  'react-router': reactRouter,
  'react/jsx-runtime': reactJsxRuntime,
  rxjs,
  'rxjs/operators': rxjsOperators,
  slate,
  'slate-react': slateReact,
};
