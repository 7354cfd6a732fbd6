import init from '../../../frontend-wasm/pkg/frontend_wasm';
import { messageOf, type Request, type Response, type Start } from './protocol';
import { buffersOf, Session } from './session';

// The project's types are those of a page; a worker's `self` differs in these two.
const worker = self as unknown as {
  onmessage: ((event: MessageEvent<Start | Request>) => void) | null;
  postMessage(message: Response, transfer?: ArrayBufferLike[]): void;
};

const session = new Session();

worker.onmessage = ({ data }) => {
  if ('kind' in data) {
    start(data);
  } else {
    answer(data);
  }
};

function start({ wasm }: Start) {
  init({ module_or_path: wasm })
    .then(() => worker.postMessage({ kind: 'ready' }))
    .catch((error: unknown) => worker.postMessage({ kind: 'unfit', message: messageOf(error) }));
}

function answer({ id, call }: Request) {
  try {
    const value = session.answer(call);
    worker.postMessage({ kind: 'answer', id, value }, buffersOf(value));
  } catch (error) {
    worker.postMessage({ kind: 'failure', id, message: messageOf(error) });
  }
}
