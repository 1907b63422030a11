import { StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { defineConnectionStatus } from '../../../shared/connection-status/index.ts';

// The import has defined it; doing so again has to do no harm.
defineConnectionStatus();

/** As ConsentHub's page would: everything it passes is a property, the supplier a new one each time. */
function SettingsPage() {
  const [state, setState] = useState('nothing');
  const [shown, setShown] = useState(true);
  return (
    <main>
      <h1>Settings</h1>
      <p>The page heard: {state}.</p>
      <button type="button" onClick={() => setShown(!shown)}>
        {shown ? 'Hide' : 'Show'}
      </button>
      {shown && (
        <dynamics-connection-status
          endpoint="/"
          getToken={async () => 'operator-token'}
          refreshSeconds={60}
          ondynamics-status={(event) => setState(event.detail.state)}
        />
      )}
    </main>
  );
}

const root = document.querySelector('#root');
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <SettingsPage />
    </StrictMode>,
  );
}
