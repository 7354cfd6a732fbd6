/** Stands for an icon that would be fetched. */
export default function Icon() {
  return <svg />;
}

export const cacheStore = {};
