import { messageOf, type Request, type Response, type Start } from './protocol';
import { buffersOf, type Session } from './session';
import { startSession } from './startSession';

// The project's types are a page's; a worker's `self` differs in these two.
const worker = self as unknown as {
  onmessage: ((event: MessageEvent<Start | Request>) => void) | null;
  postMessage(message: Response, transfer?: ArrayBufferLike[]): void;
};

let session: Session | undefined;

worker.onmessage = ({ data }) => {
  if ('kind' in data) {
    start(data);
  } else {
    answer(data);
  }
};

function start({ module, wasm }: Start) {
  startSession(module, wasm)
    .then((started) => {
      session = started;
      worker.postMessage({ kind: 'ready' });
    })
    .catch((error: unknown) => worker.postMessage({ kind: 'notStarted', message: messageOf(error) }));
}

function answer({ id, call }: Request) {
  try {
    if (!session) {
      throw new Error('the module does not run yet');
    }
    const value = session.answer(call);
    worker.postMessage({ kind: 'answer', id, value }, buffersOf(value));
  } catch (error) {
    worker.postMessage({ kind: 'failure', id, message: messageOf(error) });
  }
}
