import { useEffect, useState } from 'react';
import { Button, Text, TextInput, View } from 'react-native';
import { startApp } from './src/app.ts';
import type { Client } from './src/client.ts';
import { login, logout } from './src/sign-in.ts';

export default function App() {
  const [client, setClient] = useState<Client | null>(null);
  const [isSignedIn, setIsSignedIn] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');

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

  /** Shows the sentence of a refusal or a failure. */
  const act = async (work: Promise<string | null>) => {
    setProblem(await work.catch((error: Error) => error.message));
    setIsSignedIn(client.tokens.session !== null);
  };
  if (isSignedIn) return <Button title="Log out" onPress={() => act(logout(client).then(() => null))} />;
  return (
    <View>
      <TextInput placeholder="Email" autoCapitalize="none" autoComplete="email" onChangeText={setEmail} />
      <TextInput placeholder="Password" secureTextEntry autoComplete="password" onChangeText={setPassword} />
      <Button title="Log in" onPress={() => act(login(client, email, password))} />
      <Text>{problem}</Text>
    </View>
  );
}
