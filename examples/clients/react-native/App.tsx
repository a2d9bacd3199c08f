import { useEffect, useState } from 'react';
import { Button, Linking, Switch, Text, TextInput, View } from 'react-native';
import { startApp } from './src/app.ts';
import { confirmApp } from './src/authenticator-app.ts';
import type { Client } from './src/client.ts';
import { completeLogin, login, logout, type NextStep } from './src/sign-in.ts';

export default function App() {
  const [client, setClient] = useState<Client | null>(null);
  const [isSignedIn, setIsSignedIn] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const [step, setStep] = useState<Exclude<NextStep, string>>(null);
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const [trustDevice, setTrustDevice] = useState(false);

  useEffect(() => {
    startApp(() => setIsSignedIn(false)).then(
      ({ client }) => {
        setClient(client);
        setIsSignedIn(client.tokens.session !== null);
      },
      (error: Error) => setProblem(error.message),
    );
  }, []);

  if (!client) return <Text>{problem ?? 'Loading…'}</Text>;

  /** Shows the sentence of a refusal or a failure, or the next step. After a refusal, the step is still there. */
  const act = async (work: Promise<NextStep>) => {
    const next = await work.catch((error: Error) => error.message);
    setProblem(typeof next === 'string' ? next : null);
    if (typeof next !== 'string') setStep(next);
    setIsSignedIn(client.tokens.session !== null);
    setCode('');
  };

  /** Sends the code. The recovery codes of a new app are shown once. */
  const sendCode = async (): Promise<NextStep> => {
    if (step === null) return null;
    if (step.__typename === 'SecondFactorRequired') return completeLogin(client, step, { code, trustDevice });
    const recoveryCodes = await confirmApp(client, step, code);
    if (typeof recoveryCodes === 'string') return recoveryCodes;
    setStep(null);
    return `Keep these codes for the day you lose the app: ${recoveryCodes.join(' ')}`;
  };

  if (isSignedIn) {
    return (
      <View>
        <Text>{problem}</Text>
        <Button title="Log out" onPress={() => act(logout(client).then(() => null))} />
      </View>
    );
  }
  if (step !== null) {
    return (
      <View>
        {step.__typename === 'StartAuthenticatorAppPayload' && (
          <>
            <Text>Add this text to your authenticator app: {step.secret}</Text>
            <Button title="Open the authenticator app" onPress={() => Linking.openURL(step.uri)} />
          </>
        )}
        <TextInput placeholder="Code" value={code} autoComplete="one-time-code" onChangeText={setCode} />
        {step.__typename === 'SecondFactorRequired' && step.canTrustDevice && (
          <>
            <Text>Ask for no code on this phone for 30 days</Text>
            <Switch value={trustDevice} onValueChange={setTrustDevice} />
          </>
        )}
        <Button title="Continue" onPress={() => act(sendCode())} />
        <Button title="Start over" onPress={() => act(Promise.resolve(null))} />
        <Text>{problem}</Text>
      </View>
    );
  }
  return (
    <View>
      <TextInput placeholder="Email" autoCapitalize="none" autoComplete="email" onChangeText={setEmail} />
      <TextInput placeholder="Password" secureTextEntry autoComplete="password" onChangeText={setPassword} />
      <Button title="Log in" onPress={() => act(login(client, email, password))} />
      <Text>{problem}</Text>
    </View>
  );
}
